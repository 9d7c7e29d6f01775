"""SendBatch is in the contract and not served yet. This file goes when it is."""

import grpc
import pytest
from conftest import CALL
from fanfare.push.v1 import push_pb2 as pb


def test_send_batch_is_not_served_yet(stub):
    with pytest.raises(grpc.RpcError) as raised:
        list(stub.SendBatch(iter([pb.SendBatchRequest()]), timeout=CALL))
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
