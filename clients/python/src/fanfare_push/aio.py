"""A client for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Optional, Union

import grpc

from .books import Books, Stream
from .channel import OPTIONS, File, check_window, credentials
from .client import MESSAGE_BYTES, MESSAGE_ITEMS
from .result import Answered, Result, named
from .status import Status
from .v1 import push_pb2 as pb
from .v1.push_pb2_grpc import PushServiceStub

if TYPE_CHECKING:
    from .v1.push_pb2_grpc import PushServiceAsyncStub


class AsyncClient:
    """As Client, for one event loop, in which it is made and used."""

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
            grpc.aio.secure_channel(target, shown, OPTIONS) if shown else grpc.aio.insecure_channel(target, OPTIONS)
        )
        # The RPCs as they are.
        self.stub: PushServiceAsyncStub = PushServiceStub(self.channel)
        self._deadline, self._window = deadline, window

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connections. Calls that are under way fail."""
        await self.channel.close()

    async def send(self, push: pb.Push, *, deadline: Optional[float] = None) -> Answered:
        """As Client.send."""
        push = named(push)
        answer = await self.stub.SendPush(
            pb.SendPushRequest(push=push),
            timeout=self._deadline if deadline is None else deadline,
            wait_for_ready=True,
        )
        return Answered(push, answer.result)

    async def send_batch(self, pushes: Union[Iterable[pb.Push], AsyncIterable[pb.Push]]) -> AsyncIterator[Result]:
        """As Client.send_batch; a source that is waited for holds no results up.

        Close it by `contextlib.aclosing` where the loop may be left early.
        """
        books, woken, room = Books(self._deadline), asyncio.Event(), asyncio.Semaphore(self._window)
        source = asyncio.ensure_future(_take_all(pushes, books, room, woken))
        try:
            while True:
                while books.ended:
                    room.release()
                    yield books.ended.popleft()
                if not books.takes:
                    source.cancel()
                if books.over:
                    break
                books.turn(time.monotonic(), lambda: _AsyncStream(self.stub, books, woken))
                if not books.ended:
                    woken.clear()
                    try:
                        await asyncio.wait_for(woken.wait(), books.wait(time.monotonic()))
                    except asyncio.TimeoutError:
                        pass
        finally:
            source.cancel()
            for stream in list(books.streams):
                stream.cancel()
        if books.error:
            raise books.error


async def _take_all(
    pushes: Union[Iterable[pb.Push], AsyncIterable[pb.Push]],
    books: Books,
    room: asyncio.Semaphore,
    woken: asyncio.Event,
) -> None:
    error: Optional[Exception] = None
    try:
        await room.acquire()
        async for push in pushes if isinstance(pushes, AsyncIterable) else _each(pushes):
            books.take(push)
            woken.set()
            await room.acquire()
    except Exception as its_own:  # The caller's own, and raised when what was taken has its result.
        error = its_own
    except asyncio.CancelledError as cancelled:  # The batch is over, or what the source waits for was cancelled.
        error = ConnectionAbortedError("the source of the pushes was cancelled")
        error.__cause__ = cancelled
    books.end_input(error)
    woken.set()


async def _each(pushes: Iterable[pb.Push]) -> AsyncIterator[pb.Push]:
    for push in pushes:
        yield push


class _AsyncStream(Stream):
    def __init__(self, stub: PushServiceAsyncStub, books: Books, woken: asyncio.Event) -> None:
        super().__init__()
        self._outbox: deque[pb.Push] = deque()
        self._over, self._filled = False, asyncio.Event()
        self._books, self._woken = books, woken
        self._call = stub.SendBatch(self._messages(), wait_for_ready=True)
        self._listening = asyncio.ensure_future(self._listen())

    def put(self, push: pb.Push) -> None:
        self._outbox.append(push)
        self._filled.set()

    def half_close(self) -> None:
        self._over = True
        self._filled.set()

    def cancel(self) -> None:
        self._call.cancel()

    async def _messages(self) -> AsyncIterator[pb.SendBatchRequest]:
        """What waits goes into one message."""
        while self._outbox or not self._over:
            if self._outbox:
                pushes: list[pb.Push] = []
                size = 0
                while self._outbox and len(pushes) < MESSAGE_ITEMS and size < MESSAGE_BYTES:
                    pushes.append(self._outbox.popleft())
                    size += pushes[-1].ByteSize()
                self.taken += len(pushes)
                yield pb.SendBatchRequest(pushes=pushes)
            else:
                self._filled.clear()
                await self._filled.wait()

    async def _listen(self) -> None:
        status = None
        try:
            await self._call.initial_metadata()
            if not self._call.done():
                self._books.begin(self)
                self._woken.set()
            async for answer in self._call:
                self._books.hear(self, answer)
                self._woken.set()
        except grpc.RpcError as error:
            status = Status(error)
        except asyncio.CancelledError:  # Either side has cancelled the stream, and nobody knows how far it was read.
            none = grpc.aio.Metadata()
            status = Status(grpc.aio.AioRpcError(grpc.StatusCode.CANCELLED, none, none, details="the stream was cancelled"))
        self._books.close(self, status)
        self._woken.set()
