"""A client that blocks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Callable, Optional

import grpc

from .books import Books, Stream
from .channel import OPTIONS, File, check_window, credentials
from .result import Answered, Result, named
from .status import Status
from .v1 import push_pb2 as pb
from .v1.push_pb2_grpc import PushServiceStub

# A message is bounded far below grpc.max_message_items (65,536) and grpc.max_message_bytes (4 MiB): a gateway ends the stream of
# all pushes for a message that is too large.
MESSAGE_ITEMS = 256
MESSAGE_BYTES = 256 * 1024


class Client:
    """Sends pushes through the gateways behind a target, such as "gateway.example:50051". Threads may share it.

    Without further arguments a gateway is reached over TLS, with the authorities that gRPC brings, and is shown nothing.
    `token_file` has a JWT or a static key, alone, and is read for each call. `deadline`, in seconds, is that of a `send`,
    and how long `send_batch` waits for a gateway. `window` is how many pushes of a batch are open at most.
    """

    def __init__(
        self,
        target: str,
        *,
        plaintext: bool = False,
        ca_file: Optional[File] = None,
        certificate_file: Optional[File] = None,
        key_file: Optional[File] = None,
        token_file: Optional[File] = None,
        deadline: float = 30,
        window: int = 4096,
    ) -> None:
        shown = credentials(plaintext, ca_file, certificate_file, key_file, token_file)
        check_window(window)
        self.channel = (
            grpc.secure_channel(target, shown, OPTIONS) if shown else grpc.insecure_channel(target, OPTIONS)
        )
        # The RPCs as they are.
        self.stub = PushServiceStub(self.channel)
        self._deadline, self._window = deadline, window

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections. Calls that are under way fail."""
        self.channel.close()

    def send(self, push: pb.Push, *, deadline: Optional[float] = None) -> Answered:
        """Sends one push and waits for its verdict, which says what is wrong with the push, if anything is.

        Raises grpc.RpcError for what is of the call alone. Then the push may have been sent, unless `nothing_sent` says
        that it was not.
        """
        push = named(push)
        answer = self.stub.SendPush(
            pb.SendPushRequest(push=push),
            timeout=self._deadline if deadline is None else deadline,
            wait_for_ready=True,
        )
        return Answered(push, answer.result)

    def send_batch(self, pushes: Iterable[pb.Push]) -> Iterator[Result]:
        """Sends many pushes, and gives each its result as soon as it is known, in any order.

        Pushes are taken in the thread of the caller, and only as fast as results are: at most `window` are open. Each has
        exactly one result. One that no gateway read is sent again by itself. One that was read, and whose verdict was
        lost, is Unknown, and is sent again only if its options call it repeatable.

        Raises what ended the batch before all were sent, once every push that was taken has its result. Whoever leaves
        the loop cancels the batch, and never learns what became of the pushes that are open.
        """
        books, source = Books(self._deadline), iter(pushes)
        # An event is a call of the books, which the threads of the streams leave to this one.
        events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        try:
            while True:
                while books.ended:
                    yield books.ended.popleft()
                if books.over:
                    break
                if books.takes and books.held < self._window:
                    try:
                        books.take(next(source))
                    except StopIteration:
                        books.end_input()
                    except Exception as error:  # The caller's own, and raised when what was taken has its result.
                        books.end_input(error)
                books.turn(time.monotonic(), lambda: _BlockingStream(self.stub, books, events))
                takes = books.ended or (books.takes and books.held < self._window)
                try:
                    events.get(not takes, books.wait(time.monotonic()))()
                except Empty:
                    pass
        finally:
            for stream in list(books.streams):
                stream.cancel()
        if books.error:
            raise books.error


class _BlockingStream(Stream):
    def __init__(self, stub: PushServiceStub, books: Books, events: SimpleQueue[Callable[[], None]]) -> None:
        super().__init__()
        self._outbox: SimpleQueue[Optional[pb.Push]] = SimpleQueue()
        self._books, self._events = books, events
        self._call = stub.SendBatch(self._messages(), wait_for_ready=True)
        Thread(target=self._listen, name="fanfare-batch", daemon=True).start()

    def put(self, push: pb.Push) -> None:
        self._outbox.put(push)

    def half_close(self) -> None:
        self._outbox.put(None)

    def cancel(self) -> None:
        self._call.cancel()
        self.half_close()

    def _messages(self) -> Iterator[pb.SendBatchRequest]:
        """What waits goes into one message. gRPC asks for each in a thread of its own."""
        over = False
        while not over:
            pushes: list[pb.Push] = []
            size = 0
            while not over and len(pushes) < MESSAGE_ITEMS and size < MESSAGE_BYTES:
                if pushes and self._outbox.empty():
                    break
                push = self._outbox.get()
                over = push is None
                if push is not None:
                    pushes.append(push)
                    size += push.ByteSize()
            if pushes:
                self.taken += len(pushes)
                yield pb.SendBatchRequest(pushes=pushes)

    def _listen(self) -> None:
        """Reads even while the caller does not, so that the gateway never waits; the window bounds what is kept."""
        status = None
        try:
            self._call.initial_metadata()
            if self._call.is_active():
                self._events.put(partial(self._books.begin, self))
            for answer in self._call:
                self._events.put(partial(self._books.hear, self, answer))
        except grpc.RpcError as error:
            status = Status(error)
        self._events.put(partial(self._books.close, self, status))
