"""Each finding of findings.json is the same result by each RPC, and each call that fails says why."""

import json
import os
from pathlib import Path

import grpc
import pytest
from conftest import CALL, connect
from fanfare.push.v1 import push_pb2 as pb
from fanfare.push.v1 import push_pb2_grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from handler import handle

TABLE = json.loads((Path(__file__).parent / "../findings.json").read_text())
PUSHES = [json_format.ParseDict(finding["push"], pb.Push()) for finding in TABLE["findings"]]


def comparable(result):
    """A result without what differs by RPC, by time, or is prose."""
    same = pb.PushResult()
    same.CopyFrom(result)
    for field in ("index", "detail", "upstream_id", "token_invalid_since"):
        same.ClearField(field)
    return same


def test_each_finding_is_the_same_result_by_each_rpc(stub):
    # Where there is more to send, it is compressed.
    compressed = {"timeout": CALL, "compression": grpc.Compression.Gzip}
    together = stub.SendPushes(pb.SendPushesRequest(pushes=PUSHES), **compressed).results
    answers = stub.SendBatch(iter([pb.SendBatchRequest(pushes=PUSHES)]), **compressed)
    streamed = {result.index: result for answer in answers for result in answer.results}
    for index, finding in enumerate(TABLE["findings"]):
        expected = json_format.ParseDict(finding["result"], pb.PushResult())
        single = stub.SendPush(pb.SendPushRequest(push=PUSHES[index]), timeout=CALL).result
        for rpc, result in {"SendPush": single, "SendPushes": together[index], "SendBatch": streamed[index]}.items():
            assert handle(result) == finding["todo"], (finding["name"], rpc)
            assert comparable(result) == expected, (finding["name"], rpc)
            assert result.detail == single.detail, (finding["name"], rpc)


def no_push(stub, channel):
    stub.SendPush(pb.SendPushRequest(), timeout=CALL)


def too_many(stub, channel):
    stub.SendPushes(pb.SendPushesRequest(pushes=[pb.Push()] * 1001), timeout=CALL)


def no_message(stub, channel):
    # Field 1 is no number in the contract.
    send = channel.unary_unary("/fanfare.push.v1.PushService/SendPush", request_serializer=bytes)
    send(b"\x08\x01", timeout=CALL)


def full(stub, channel):
    with connect(os.environ["FANFARE_FULL"]) as other:
        push_pb2_grpc.PushServiceStub(other).SendPush(pb.SendPushRequest(push=PUSHES[0]), timeout=CALL)


CALLS = {
    "no push": no_push, "1,001 pushes": too_many, "bytes that are no message": no_message, "a full gateway": full,
}


@pytest.mark.parametrize("expected", TABLE["calls"], ids=lambda call: call["name"])
def test_a_call_that_fails_says_why_in_details(stub, channel, expected):
    with pytest.raises(grpc.RpcError) as raised:
        CALLS[expected["name"]](stub, channel)
    bad_request, info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(raised.value).details:
        detail.Unpack(bad_request)
        detail.Unpack(info)
    assert info.domain == "push.fanfare.dev"
    assert {
        "name": expected["name"], "code": raised.value.code().name, "reason": info.reason,
        "field": bad_request.field_violations[0].field if bad_request.field_violations else "",
    } == expected
