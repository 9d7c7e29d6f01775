"""What became of a push."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Union

from .v1 import push_pb2 as pb


@dataclass(frozen=True)
class Answered:
    """The gateway gave its verdict on the push."""

    push: pb.Push
    verdict: pb.PushResult


@dataclass(frozen=True)
class NotRead:
    """No gateway read the push: nothing was sent, and sending it again is safe. `cause` is why it was given up."""

    push: pb.Push
    cause: Exception


@dataclass(frozen=True)
class Unknown:
    """The push may have been sent, and its verdict was lost. Send it again only if a duplicate does no harm."""

    push: pb.Push
    cause: Exception


Result = Union[Answered, NotRead, Unknown]


def is_dead(result: Result) -> bool:
    """Whether the target is to be deleted, unless it was registered again after `verdict.token_invalid_since`."""
    return isinstance(result, Answered) and result.verdict.token_action == pb.TOKEN_ACTION_DELETE


def should_retry(result: Result) -> bool:
    """Whether the push may succeed if it is sent again, after `retry_after`, and no duplicate can come of it."""
    if isinstance(result, Answered):
        return result.verdict.retryable and result.verdict.delivery == pb.DELIVERY_NO
    return isinstance(result, NotRead)


def retry_after(result: Result) -> timedelta:
    """How long to wait at least before the push is sent again. Zero: there is no advice."""
    return result.verdict.retry_after.ToTimedelta() if isinstance(result, Answered) else timedelta()


def named(push: pb.Push) -> pb.Push:
    """The push itself, or a copy with an id if it has none: whoever sends a push again repeats its id."""
    if push.id:
        return push
    copy = pb.Push()
    copy.CopyFrom(push)
    copy.id = str(uuid.uuid4())
    return copy
