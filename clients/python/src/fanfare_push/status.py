"""What the status of a call that failed says, beside its code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2


class Status:
    """Why a stream ended."""

    def __init__(self, error: grpc.RpcError) -> None:
        call = cast(grpc.Call, error)
        self.error = error
        self.code = call.code()
        # The gateway itself decided on it. Libraries and proxies make others, also when only the answer was lost.
        self.from_gateway = False
        # How long the gateway asks to wait, in seconds.
        self.wait = 0.0
        for detail in _details(call):
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                self.from_gateway = info.domain == "push.fanfare.dev"
            elif detail.Unpack(retry):
                self.wait = retry.retry_delay.ToTimedelta().total_seconds()

    @property
    def tells_what_was_read(self) -> bool:
        """Whether the last message of the stream told how far it was read. A bug of the gateway's (INTERNAL) does not."""
        return self.from_gateway and self.code is not grpc.StatusCode.INTERNAL


def _details(call: grpc.Call) -> Sequence[Any]:
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            try:
                return list(status_pb2.Status.FromString(cast(bytes, value)).details)
            except DecodeError:
                return []
    return []
