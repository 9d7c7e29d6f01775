"""A gateway that knows its callers: by a client certificate, and by a static key."""

import os
from pathlib import Path

import grpc
import pytest
from conftest import CALL, request, secure_channel
from fanfare.push.v1 import push_pb2 as pb
from fanfare.push.v1 import push_pb2_grpc

IDENTITIES = Path(os.environ["FANFARE_IDENTITIES"])
CA = (IDENTITIES / "gateway-ca.pem").read_bytes()


def no_identity() -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(CA)


def by_certificate() -> grpc.ChannelCredentials:
    certificate, key = (IDENTITIES / "orders.pem").read_bytes(), (IDENTITIES / "orders.key").read_bytes()
    return grpc.ssl_channel_credentials(CA, private_key=key, certificate_chain=certificate)


def by_token(file: Path = IDENTITIES / "web.key") -> grpc.ChannelCredentials:
    def authorization(context, callback):
        # The file is read for each call, because tokens are renewed on disk.
        callback([("authorization", f"Bearer {file.read_text().strip()}")], None)

    tls = grpc.ssl_channel_credentials(CA)
    return grpc.composite_channel_credentials(tls, grpc.metadata_call_credentials(authorization))


@pytest.fixture
def stub_of():
    """The stub of a caller, by its credentials."""
    channels = []

    def stub_of(credentials):
        channels.append(secure_channel(os.environ["FANFARE_TLS"], credentials))
        return push_pb2_grpc.PushServiceStub(channels[-1])

    yield stub_of
    for channel in channels:
        channel.close()


@pytest.mark.parametrize("credentials", [by_certificate, by_token])
def test_a_caller_may_do_what_its_rule_lists_and_nothing_else(stub_of, credentials):
    stub = stub_of(credentials())
    assert stub.SendPush(request(), timeout=CALL).result.outcome == pb.OUTCOME_ACCEPTED
    for app in ["chat", "nobody"]:
        result = stub.SendPush(request(app=app), timeout=CALL).result
        assert (result.outcome, result.reason) == (pb.OUTCOME_NOT_ATTEMPTED, pb.REASON_NOT_PERMITTED)
    with pytest.raises(grpc.RpcError) as raised:
        stub.SendPushes(pb.SendPushesRequest(pushes=[request().push]), timeout=CALL)
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_caller_without_an_identity_is_refused(stub_of, tmp_path):
    unknown = tmp_path / "unknown.key"
    unknown.write_text(f"fanfare_{'0' * 32}\n")
    for credentials in [no_identity(), by_token(unknown)]:
        with pytest.raises(grpc.RpcError) as raised:
            stub_of(credentials).SendPush(request(), timeout=CALL)
        assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED
