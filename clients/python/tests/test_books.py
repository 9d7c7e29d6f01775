"""The rules by which a push is sent again or not."""

from __future__ import annotations

import unittest
from typing import Any, Optional

import grpc
from fanfare_push import pb, should_retry
from fanfare_push.books import TRIES, Books, Stream
from fanfare_push.status import Status
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

PATIENCE = 30.0
# Longer than any pause between two streams.
PAUSE = 5.0


class Ended(grpc.RpcError):
    """A status, of the gateway's own if it has a reason."""

    def __init__(self, code: StatusCode, reason: str = "") -> None:
        self._code, self._details = code, status_pb2.Status()
        if reason:
            info = error_details_pb2.ErrorInfo(reason=reason, domain="push.fanfare.dev")
            self._details.details.add().Pack(info)

    def code(self) -> StatusCode:
        return self._code

    def trailing_metadata(self) -> Any:
        return [("grpc-status-details-bin", self._details.SerializeToString())]


def ended(code: StatusCode, reason: str = "") -> Status:
    return Status(Ended(code, reason))


class Recorded(Stream):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.half_closed = self.cancelled = False

    def put(self, push: pb.Push) -> None:
        self.sent.append(push.id)
        self.taken += 1

    def half_close(self) -> None:
        self.half_closed = True

    def cancel(self) -> None:
        self.cancelled = True


class TestBooks(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.books = Books(PATIENCE)
        self.opened: list[Recorded] = []

    def take(self, *ids: str, repeatable: bool = False) -> None:
        for id in ids:
            self.books.take(pb.Push(id=id, options=pb.Options(repeatable=repeatable)))

    def turn(self, begin: bool = True) -> Recorded:
        """A turn, and one after every pause; the stream that was opened last."""
        self.books.turn(self.now, self.open)
        self.now += PAUSE
        self.books.turn(self.now, self.open)
        if begin and self.opened and not self.opened[-1].begun:
            self.books.begin(self.opened[-1])
            self.books.turn(self.now, self.open)
        return self.opened[-1]

    def open(self) -> Recorded:
        self.opened.append(Recorded())
        return self.opened[-1]

    def hear(self, stream: Stream, *indices: int, items_read: Optional[int] = None, draining: bool = False) -> None:
        progress = None if items_read is None else pb.BatchProgress(items_read=items_read, draining=draining)
        results = [pb.PushResult(index=index) for index in indices]
        self.books.hear(stream, pb.SendBatchResponse(results=results, progress=progress))

    def results(self) -> list[tuple[str, str]]:
        seen = [(it.push.id, type(it).__name__) for it in self.books.ended]
        self.books.ended.clear()
        return seen

    def test_no_push_leaves_before_the_gateway_has_answered(self) -> None:
        self.take("a")
        self.assertEqual(self.turn(begin=False).sent, [])
        self.assertEqual(self.turn().sent, ["a"])

    def test_what_no_gateway_read_is_sent_again_and_what_it_read_is_unknown(self) -> None:
        self.take("a", "b", "c")
        first = self.turn()
        self.hear(first, 1, items_read=2)
        self.books.close(first, ended(StatusCode.ABORTED, "CLIENT_NOT_READING"))
        self.assertEqual(self.results(), [("b", "Answered"), ("a", "Unknown")])
        self.assertEqual(self.turn().sent, ["c"])

    def test_where_the_connection_breaks_all_that_left_is_unknown(self) -> None:
        # INTERNAL of the gateway's own has no last message, which would have told how far it read.
        for status in [ended(StatusCode.UNAVAILABLE), ended(StatusCode.INTERNAL, "GATEWAY_BUG"), ended(StatusCode.ABORTED)]:
            self.setUp()
            self.take("a", "b", "c")
            first = self.turn()
            self.hear(first, 0, items_read=1)
            first.taken = 2  # The last has not left this process.
            self.books.close(first, status)
            self.assertEqual(self.results(), [("a", "Answered"), ("b", "Unknown")])
            self.assertEqual(self.turn().sent, ["c"])

    def test_a_stream_that_drains_goes_on_beside_the_next(self) -> None:
        self.take("a", "b", "c")
        first = self.turn()
        self.hear(first, items_read=2, draining=True)
        self.assertTrue(first.half_closed)
        second = self.turn()
        self.assertEqual(second.sent, ["c"])
        self.books.end_input()
        self.turn()
        self.assertTrue(second.half_closed)
        self.hear(second, 0)
        self.books.close(second, None)
        self.assertFalse(self.books.over)
        self.hear(first, 1, 0)
        self.books.close(first, None)
        self.assertEqual(self.results(), [("c", "Answered"), ("b", "Answered"), ("a", "Answered")])
        self.assertTrue(self.books.over)
        self.assertIsNone(self.books.error)

    def test_what_is_repeatable_is_sent_again_and_stays_in_doubt(self) -> None:
        self.take("a", repeatable=True)
        self.books.close(self.turn(), ended(StatusCode.UNAVAILABLE))
        self.books.close(self.turn(), ended(StatusCode.PERMISSION_DENIED, "NOT_PERMITTED"))
        self.assertEqual([stream.sent for stream in self.opened], [["a"], ["a"]])
        # The second stream read nothing, but the first may have.
        self.assertEqual(self.results(), [("a", "Unknown")])

    def test_what_was_not_sent_this_time_may_have_been_before(self) -> None:
        self.take("a", repeatable=True)
        self.books.close(self.turn(), ended(StatusCode.UNAVAILABLE))
        self.books.hear(self.turn(), pb.SendBatchResponse(results=[pb.PushResult(retryable=True, delivery=pb.DELIVERY_NO)]))
        self.assertFalse(should_retry(self.books.ended[0]))

    def test_a_dry_run_is_never_in_doubt(self) -> None:
        self.books.take(pb.Push(id="a", options=pb.Options(dry_run=True)))
        self.books.close(self.turn(), ended(StatusCode.UNAVAILABLE))
        self.assertEqual(self.turn().sent, ["a"])
        self.assertEqual(self.results(), [])

    def test_a_stream_that_cannot_be_opened_ends_the_batch(self) -> None:
        def closed() -> Stream:
            raise ValueError("the channel is closed")

        self.take("a")
        self.books.turn(self.now, closed)
        self.assertEqual(self.results(), [("a", "NotRead")])
        self.assertIsInstance(self.books.error, ValueError)
        self.assertTrue(self.books.over)

    def test_tries_are_bounded(self) -> None:
        self.take("a")
        for tried in range(TRIES):
            self.assertEqual(self.results(), [], tried)
            self.take(f"other-{tried}")
            stream = self.turn()
            self.hear(stream, stream.sent.index(f"other-{tried}"), items_read=0)
            self.results()
            self.hear(stream, items_read=0, draining=True)
            self.books.close(stream, None)
        self.assertEqual(self.results(), [("a", "NotRead")])
        self.assertTrue(self.books.takes)

    def test_streams_that_fail_in_a_row_end_the_batch(self) -> None:
        self.take("a")
        for waited in [0.2, 0.4, 0.8, 1.6]:
            self.books.close(self.turn(begin=False), ended(StatusCode.UNAVAILABLE))
            self.books.turn(self.now, self.open)
            wait = self.books.wait(self.now)
            assert wait is not None
            self.assertTrue(waited <= wait <= waited * 1.25, wait)
            self.assertEqual(self.results(), [])
        self.books.close(self.turn(begin=False), ended(StatusCode.UNAVAILABLE))
        self.assertEqual(self.results(), [("a", "NotRead")])
        self.assertTrue(self.books.over)
        self.assertIsInstance(self.books.error, Ended)

    def test_a_refused_call_ends_the_batch_at_once(self) -> None:
        self.take("a")
        self.books.close(self.turn(), ended(StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN"))
        # It had begun, so that its token has expired; there may be another one by now.
        self.books.close(self.turn(begin=False), ended(StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN"))
        self.assertEqual(self.results(), [("a", "NotRead")])
        self.assertTrue(self.books.over)

    def test_a_gateway_that_does_not_answer_is_given_up(self) -> None:
        self.take("a")
        stream = self.turn(begin=False)
        self.books.turn(self.now + PATIENCE, self.open)
        self.assertTrue(stream.cancelled)
        self.books.close(stream, ended(StatusCode.CANCELLED))
        self.assertEqual(self.results(), [("a", "NotRead")])
        self.assertIsInstance(self.books.error, TimeoutError)
        self.assertTrue(self.books.over)


if __name__ == "__main__":
    unittest.main()
