"""What no well-made client sends, and what every client asks."""

import socket

import grpc
import pytest
from conftest import CALL, DEAD, GOOD, request
from fanfare.push.v1 import push_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

SERVICE = "fanfare.push.v1.PushService"


@pytest.fixture
def send_bytes(channel):
    """Sends the bytes of a SendPushRequest, whatever they are."""
    return channel.unary_unary(
        f"/{SERVICE}/SendPush", request_serializer=bytes, response_deserializer=pb.SendPushResponse.FromString,
    )


def test_two_targets_in_one_are_refused(send_bytes):
    # Concatenated messages merge, so that both members of the oneof are on the wire.
    fcm = pb.SendPushRequest(push=pb.Push(target=pb.Target(fcm=pb.FcmTarget(registration_token="abc"))))
    both = request().SerializeToString() + fcm.SerializeToString()
    assert pb.SendPushRequest.FromString(both).push.target.WhichOneof("target") == "fcm", "the last would win"
    result = send_bytes(both, timeout=CALL).result
    assert (result.outcome, result.field) == (pb.OUTCOME_INVALID_PUSH, "target")
    assert (result.reason, result.attempts) == (pb.REASON_FIELDS_CONFLICT, 0)


def test_one_target_in_two_pieces_is_one_target(send_bytes):
    more = pb.SendPushRequest(push=pb.Push(target=pb.Target(apns=pb.ApnsDevice(token=DEAD))))
    result = send_bytes(request(token=GOOD).SerializeToString() + more.SerializeToString(), timeout=CALL).result
    assert result.outcome == pb.OUTCOME_UNREGISTERED, "fields merge, the later wins"


def test_fields_of_a_later_contract_are_ignored(send_bytes):
    # Field 1000, a string.
    later = request().SerializeToString() + b"\xc2\x3e\x05later"
    assert send_bytes(later, timeout=CALL).result.outcome == pb.OUTCOME_ACCEPTED


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b"\x0a\x7f", b"\x0a\x02\x0a\x80"])
def test_bytes_that_are_no_message_fail_the_call_alone(send_bytes, send, garbage):
    with pytest.raises(grpc.RpcError) as raised:
        send_bytes(garbage, timeout=CALL)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert send().outcome == pb.OUTCOME_ACCEPTED


def test_a_message_over_4_mib_is_refused(send_bytes, send):
    with pytest.raises(grpc.RpcError) as raised:
        send_bytes(b"\0" * 5 * 1024 * 1024, timeout=CALL)
    # As tonic says it; other servers say RESOURCE_EXHAUSTED.
    assert raised.value.code() == grpc.StatusCode.OUT_OF_RANGE
    assert send().outcome == pb.OUTCOME_ACCEPTED


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
    b"\0" * 1000,
    b"",
])
def test_garbage_on_the_port_harms_nobody(address, send, garbage):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=CALL) as connection:
        connection.sendall(garbage)
        assert send().outcome == pb.OUTCOME_ACCEPTED


def test_the_health_check_says_serving(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", SERVICE):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=CALL)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service


def test_reflection_lists_the_service_and_has_its_file(channel):
    reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
    ]
    listed, file = reflection.ServerReflectionInfo(iter(asked), timeout=CALL)
    assert SERVICE in [service.name for service in listed.list_services_response.service]
    assert file.file_descriptor_response.file_descriptor_proto
