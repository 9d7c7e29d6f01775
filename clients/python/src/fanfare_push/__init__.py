"""Sends pushes through a Fanfare gateway: `Client`, `AsyncClient`, and `pb`, which has the messages of the contract."""

from .aio import AsyncClient
from .client import Client
from .result import Answered, NotRead, Result, Unknown, is_dead, retry_after, should_retry
from .status import nothing_sent
from .v1 import push_pb2 as pb

__all__ = [
    "Answered",
    "AsyncClient",
    "Client",
    "NotRead",
    "Result",
    "Unknown",
    "is_dead",
    "nothing_sent",
    "pb",
    "retry_after",
    "should_retry",
]
