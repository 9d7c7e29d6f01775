"""The books of a batch: where each push is, and what becomes of it when a stream ends. They do no I/O and read no clock."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import deque
from typing import Callable, Optional

from grpc import StatusCode

from .result import Answered, NotRead, Result, Unknown, named
from .status import Status
from .v1 import push_pb2 as pb

# On how many streams a push is written at most, and how many in a row may fail without a verdict before the batch does.
TRIES = 5
# The wait before another stream, in seconds. It doubles with each that fails without a verdict.
FIRST_WAIT = 0.2
# After these another stream would end in the same way.
FINAL = {
    StatusCode.INVALID_ARGUMENT,
    StatusCode.OUT_OF_RANGE,
    StatusCode.PERMISSION_DENIED,
    StatusCode.UNAUTHENTICATED,
    StatusCode.UNIMPLEMENTED,
}


class Item:
    """A push that was taken from the caller and has no result yet."""

    def __init__(self, push: pb.Push) -> None:
        self.push = push
        # On how many streams it was written.
        self.tries = 0
        # Why an earlier stream may have sent it.
        self.in_doubt: Optional[Exception] = None


class Stream(ABC):
    """One stream of the batch. The kind of client says how its messages travel."""

    def __init__(self) -> None:
        # The items that were written, by their index, until they have their verdict.
        self.open: dict[int, Item] = {}
        self.written = 0
        # How many of these the gRPC library has taken. The others have not left this process.
        self.taken = 0
        self.items_read = 0
        # The gateway has answered. No push leaves before, so that a gateway which is not there leaves none in doubt.
        self.begun = False
        self.fruitful = False
        self.deadline = 0.0

    @abstractmethod
    def put(self, push: pb.Push) -> None:
        """Writes a push, and never waits."""

    @abstractmethod
    def half_close(self) -> None:
        """Says that nothing more will be written."""

    @abstractmethod
    def cancel(self) -> None:
        """Ends the stream at once."""


class Books:
    """Each push that is taken gets exactly one result, which is put into `ended`."""

    def __init__(self, patience: float) -> None:
        # The pushes that have their result, which the caller has not seen yet.
        self.ended: deque[Result] = deque()
        # How many were taken and are not among them.
        self.held = 0
        # What is raised once every push that was taken has its result.
        self.error: Optional[Exception] = None
        self.streams: set[Stream] = set()
        self._patience = patience
        self._unwritten: deque[Item] = deque()
        self._current: Optional[Stream] = None
        self._input_over = self._given_up = False
        self._failures = 0
        self._pause = self._not_before = 0.0

    @property
    def takes(self) -> bool:
        return not self._input_over

    @property
    def over(self) -> bool:
        return self._input_over and self.held == 0 and not self.streams

    def take(self, push: pb.Push) -> None:
        self.held += 1
        self._unwritten.append(Item(named(push)))

    def end_input(self, error: Optional[Exception] = None) -> None:
        self._input_over = True
        self.error = self.error or error

    def turn(self, now: float, open_stream: Callable[[], Stream]) -> None:
        """Does what is due now: opens a stream, writes to it, or gives up waiting for it."""
        if self._pause:
            self._not_before, self._pause = now + self._pause, 0.0
        stream = self._current
        if stream and not stream.begun and now >= stream.deadline:
            stream.cancel()
            return self._give_up(TimeoutError(f"no gateway answered within {self._patience:g} s"))
        if stream is None and self._unwritten and now >= self._not_before:
            try:
                stream = self._current = open_stream()
            except Exception as error:  # The client was closed.
                return self._give_up(error)
            stream.deadline = now + self._patience
            self.streams.add(stream)
        if stream and stream.begun:
            while self._unwritten:
                item = self._unwritten.popleft()
                item.tries += 1
                stream.open[stream.written] = item
                stream.written += 1
                stream.put(item.push)
            if self._input_over:
                self._leave(stream)

    def wait(self, now: float) -> Optional[float]:
        """How many seconds may pass until the next turn, if nothing happens. None: any time."""
        if self._current:
            return None if self._current.begun else max(self._current.deadline - now, 0)
        return max(self._not_before - now, 0) if self._unwritten else None

    def begin(self, stream: Stream) -> None:
        stream.begun = True

    def hear(self, stream: Stream, answer: pb.SendBatchResponse) -> None:
        """The gateway has sent a message."""
        for verdict in answer.results:
            item = stream.open.pop(verdict.index, None)
            if item:
                stream.fruitful = True
                if item.in_doubt and verdict.delivery == pb.DELIVERY_NO:
                    # It was not sent this time, and may have been before.
                    verdict.delivery = pb.DELIVERY_MAYBE
                self._end(Answered(item.push, verdict))
        if answer.HasField("progress"):
            stream.items_read = answer.progress.items_read
            if answer.progress.draining:
                # Nothing more is read from this stream, so what was not read goes over another one.
                self._leave(stream)
                cause = ConnectionError("the gateway drains, or the connection has reached its age")
                for index in [index for index in stream.open if index >= stream.items_read]:
                    self._again(stream.open.pop(index), cause)

    def close(self, stream: Stream, status: Optional[Status]) -> None:
        """The stream has ended, by itself or with a status."""
        self.streams.discard(stream)
        self._leave(stream)
        cause: Exception = status.error if status else ConnectionError("the stream ended without this verdict")
        # Where only the connection broke, what left this process may have been read, whatever was last heard.
        read = stream.items_read if status is None or status.nothing_sent else stream.taken
        for index, item in stream.open.items():
            if index < read and not item.push.options.dry_run:
                item.in_doubt = cause
            self._again(item, cause)
        stream.open.clear()
        if status:
            self._failed(stream, status)

    def _failed(self, stream: Stream, status: Status) -> None:
        self._failures = 0 if stream.fruitful else self._failures + 1
        wait = FIRST_WAIT * 2 ** (self._failures - 1) if self._failures else 0.0
        # Not all callers of a gateway come back at the same moment.
        self._pause = max(status.wait, wait) * random.uniform(1, 1.25)
        # A stream that has begun and ends so was opened with a token that has expired. There may be a new one.
        renews = status.code is StatusCode.UNAUTHENTICATED and stream.begun
        if self._failures == TRIES or (status.code in FINAL and not renews):
            self._give_up(status.error)

    def _leave(self, stream: Stream) -> None:
        stream.half_close()
        if self._current is stream:
            self._current = None

    def _again(self, item: Item, cause: Exception) -> None:
        repeatable = item.in_doubt is None or item.push.options.repeatable
        if repeatable and item.tries < TRIES and not self._given_up:
            self._unwritten.append(item)
        else:
            self._end(Unknown(item.push, item.in_doubt) if item.in_doubt else NotRead(item.push, cause))

    def _give_up(self, error: Exception) -> None:
        self._given_up = True
        self.end_input(error)
        if self._current:
            self._leave(self._current)
        while self._unwritten:
            self._again(self._unwritten.popleft(), error)

    def _end(self, result: Result) -> None:
        self.held -= 1
        self.ended.append(result)
