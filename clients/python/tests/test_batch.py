"""A batch ends with the books balanced, whatever becomes of its gateway."""

from __future__ import annotations

import asyncio
import signal
import unittest
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from threading import Thread
from typing import Any

import grpc
from fanfare_push import Answered, AsyncClient, Client, NotRead, Result, pb, should_retry
from gateway import Gateway, Simulator

PUSHES = 6000
WINDOW = 1000
Seen = Callable[[Result], None]


def push(number: int, repeatable: bool = False) -> pb.Push:
    return pb.Push(
        id=f"push-{number}",
        app="demo",
        target=pb.Target(apns=pb.ApnsDevice(token=f"90{number:08x}")),
        content=pb.Content(notification=pb.Notification(title="Hello")),
        options=pb.Options(repeatable=repeatable),
    )


def blocking(address: str, pushes: Iterable[pb.Push], seen: Seen, **settings: Any) -> None:
    with Client(address, plaintext=True, **settings) as client:
        for result in client.send_batch(pushes):
            seen(result)


def with_asyncio(address: str, pushes: Iterable[pb.Push], seen: Seen, **settings: Any) -> None:
    async def send_all() -> None:
        async with AsyncClient(address, plaintext=True, **settings) as client:
            async for result in client.send_batch(pushes):
                seen(result)

    asyncio.run(send_all())


class TestBatch(unittest.TestCase):
    def setUp(self) -> None:
        # Slow enough that many pushes are in flight when their gateway ends.
        self.simulator = Simulator("--latency", "100ms")
        self.addCleanup(self.simulator.stop)
        self.gateway = Gateway(self.simulator)
        self.addCleanup(self.gateway.end, signal.SIGKILL)

    def send(self, send_all: Callable[..., None], sent: list[pb.Push], how: signal.Signals) -> list[Result]:
        """The results of a batch whose gateway ends in the middle, and is started again."""
        results: list[Result] = []

        def again() -> None:
            self.gateway.end(how)
            self.gateway.start()

        # Beside the batch, which goes on meanwhile.
        restart = Thread(target=again)

        def seen(result: Result) -> None:
            results.append(result)
            if len(results) == len(sent) // 3:
                restart.start()

        send_all(self.gateway.address, sent, seen, window=WINDOW)
        restart.join()
        return results

    def balance(self, what: str, sent: list[pb.Push], results: list[Result]) -> Counter[str]:
        """Each push has exactly one result, which is true of what arrived at the push service."""
        self.assertEqual(sorted(it.id for it in sent), sorted(it.push.id for it in results))
        arrived = self.simulator.arrived()
        for it in results:
            times = arrived[it.push.target.apns.token]
            if isinstance(it, Answered) and it.verdict.outcome == pb.OUTCOME_ACCEPTED:
                self.assertGreaterEqual(times, 1, it)
            if should_retry(it):
                self.assertEqual(times, 0, it)
            if not it.push.options.repeatable:
                self.assertLessEqual(times, 1, it)
        counts = Counter(type(it).__name__ for it in results)
        twice = sum(times > 1 for times in arrived.values())
        print(f"{what}: {len(sent)} pushes, {dict(counts)}, {twice} arrived twice")
        return counts

    def test_books_balance_after_a_gateway_was_killed(self) -> None:
        for kind, send_all in enumerate([blocking, with_asyncio]):
            with self.subTest(send_all.__name__):
                sent = [push(number) for number in range(kind * PUSHES, (kind + 1) * PUSHES)]
                results = self.send(send_all, sent, signal.SIGKILL)
                counts = self.balance(f"killed, {send_all.__name__}", sent, results)
                self.assertEqual(counts["Answered"] + counts["Unknown"], PUSHES)
                self.assertTrue(0 < counts["Unknown"] <= WINDOW, counts)

    def test_what_is_repeatable_has_its_verdict_after_a_gateway_was_killed(self) -> None:
        sent = [push(number, repeatable=True) for number in range(PUSHES)]
        results = self.send(blocking, sent, signal.SIGKILL)
        self.assertEqual(self.balance("killed, repeatable", sent, results)["Answered"], PUSHES)

    def test_nothing_is_in_doubt_after_a_gateway_was_ended(self) -> None:
        for kind, send_all in enumerate([blocking, with_asyncio]):
            with self.subTest(send_all.__name__):
                sent = [push(number) for number in range(kind * PUSHES, (kind + 1) * PUSHES)]
                results = self.send(send_all, sent, signal.SIGTERM)
                counts = self.balance(f"ended, {send_all.__name__}", sent, results)
                self.assertEqual(counts["Answered"], PUSHES)

    def test_what_finds_no_gateway_was_not_read(self) -> None:
        self.gateway.end(signal.SIGKILL)
        for send_all in [blocking, with_asyncio]:
            with self.subTest(send_all.__name__):
                taken: list[pb.Push] = []
                results: list[Result] = []

                def pushes() -> Iterator[pb.Push]:
                    for number in range(PUSHES):
                        taken.append(push(number))
                        yield taken[-1]

                with self.assertRaisesRegex(TimeoutError, "no gateway answered"):
                    send_all(self.gateway.address, pushes(), results.append, deadline=0.5, window=10)
                self.assertEqual(len(taken), 10)
                self.assertEqual(self.balance(f"no gateway, {send_all.__name__}", taken, results)["NotRead"], 10)

    def test_the_gateway_says_that_it_did_not_read_what_is_too_large(self) -> None:
        large = push(1)
        large.content.data["text"] = "x" * 5_000_000
        for send_all in [blocking, with_asyncio]:
            with self.subTest(send_all.__name__):
                results: list[Result] = []
                with self.assertRaises(grpc.RpcError) as raised:
                    send_all(self.gateway.address, [large], results.append)
                self.assertIs(raised.exception.code(), grpc.StatusCode.OUT_OF_RANGE)
                self.assertEqual([type(it) for it in results], [NotRead])

    def test_pushes_that_are_too_large_harm_no_other(self) -> None:
        large = [push(number) for number in range(64)]
        for it in large:
            it.content.data["text"] = "x" * 200_000  # More than grpc.max_push_bytes.
        for send_all in [blocking, with_asyncio]:
            with self.subTest(send_all.__name__):
                results: list[Result] = []
                send_all(self.gateway.address, [*large, push(64)], results.append)
                outcomes = Counter(it.verdict.outcome for it in results if isinstance(it, Answered))
                self.assertEqual(outcomes, {pb.OUTCOME_PAYLOAD_TOO_LARGE: 64, pb.OUTCOME_ACCEPTED: 1})

    def test_a_client_that_is_closed_ends_its_batches(self) -> None:
        sent = [push(number, repeatable=True) for number in range(WINDOW)]
        results: list[Result] = []
        client = Client(self.gateway.address, plaintext=True)
        with self.assertRaises((grpc.RpcError, ValueError)):
            for result in client.send_batch(sent):
                results.append(result)
                client.close()
        self.assertEqual(sorted(it.id for it in sent), sorted(it.push.id for it in results))
        results.clear()

        async def send_all() -> None:
            client = AsyncClient(self.gateway.address, plaintext=True)
            async for result in client.send_batch(sent):
                results.append(result)
                await client.close()

        with self.assertRaises((grpc.RpcError, grpc.aio.UsageError)):
            asyncio.run(send_all())
        self.assertEqual(sorted(it.id for it in sent), sorted(it.push.id for it in results))

    def test_a_source_that_is_cancelled_ends_the_batch(self) -> None:
        async def pushes() -> AsyncIterator[pb.Push]:
            yield push(1)
            waits = asyncio.ensure_future(asyncio.Event().wait())
            waits.cancel()
            await waits

        async def send_all() -> list[Result]:
            results: list[Result] = []
            async with AsyncClient(self.gateway.address, plaintext=True) as client:
                with self.assertRaisesRegex(ConnectionAbortedError, "was cancelled"):
                    async for result in client.send_batch(pushes()):
                        results.append(result)
            return results

        self.assertEqual([type(it) for it in asyncio.run(asyncio.wait_for(send_all(), 20))], [Answered])

    def test_a_window_has_at_least_one_push(self) -> None:
        with self.assertRaisesRegex(ValueError, "at least one push"):
            Client(self.gateway.address, plaintext=True, window=0)

    def test_a_source_that_fails_ends_the_batch_when_what_it_gave_has_its_verdict(self) -> None:
        def pushes() -> Iterator[pb.Push]:
            yield push(1)
            raise LookupError("no more")

        for send_all in [blocking, with_asyncio]:
            with self.subTest(send_all.__name__):
                results: list[Result] = []
                with self.assertRaisesRegex(LookupError, "no more"):
                    send_all(self.gateway.address, pushes(), results.append)
                self.assertEqual([type(it) for it in results], [Answered])

    def test_no_more_is_taken_than_the_window_holds(self) -> None:
        taken: list[int] = []

        def pushes() -> Iterator[pb.Push]:
            for number in range(PUSHES):
                taken.append(number)
                yield push(number)

        with Client(self.gateway.address, plaintext=True, window=100) as client:
            for number, _ in enumerate(client.send_batch(pushes()), start=1):
                self.assertLess(len(taken), number + 100)
                if number == 500:
                    break
            # The batch is over, and the client goes on.
            self.assertEqual(client.send(push(PUSHES)).verdict.outcome, pb.OUTCOME_ACCEPTED)


if __name__ == "__main__":
    unittest.main()
