"""What the status of a call that failed says, beside its code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2


class Status:
    """Why a call ended."""

    def __init__(self, error: grpc.RpcError) -> None:
        call = cast(grpc.Call, error)
        self.error = error
        self.code = call.code()
        # How long the gateway asks to wait, in seconds.
        self.wait = 0.0
        # Nothing was sent; of a stream, nothing that its last message does not count as read. Only the gateway's own
        # statuses say so, and of these a bug (INTERNAL) does not. Libraries and proxies make others, also when only the
        # answer was lost.
        self.nothing_sent = False
        for detail in _details(call):
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                self.nothing_sent = info.domain == "push.fanfare.dev" and self.code is not grpc.StatusCode.INTERNAL
            elif detail.Unpack(retry):
                self.wait = retry.retry_delay.ToTimedelta().total_seconds()


def nothing_sent(error: grpc.RpcError) -> bool:
    """Whether a call of `send` that failed has surely sent nothing. Otherwise the push may have been delivered."""
    return Status(error).nothing_sent


def _details(call: grpc.Call) -> Sequence[Any]:
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            try:
                return list(status_pb2.Status.FromString(cast(bytes, value)).details)
            except DecodeError:
                return []
    return []
