"""The gateway and its contract, as a caller in Python has them."""

import os
import sys
import tempfile
import time
import urllib.request
from importlib import resources
from pathlib import Path

import grpc
import pytest
from grpc_tools import protoc
from prometheus_client.openmetrics.parser import text_string_to_metric_families

# How long a call may take, in seconds.
CALL = 20

GOOD = "600d" * 16
DEAD = "dead" * 16
BAD = "0bad" * 16
SILENT = "deaf" * 16


def compile_contract() -> None:
    """Makes the stubs from the proto file, and importable."""
    out = tempfile.mkdtemp(prefix="fanfare-stubs-")
    proto = Path(os.environ["FANFARE_PROTO"])
    failed = protoc.main([
        "protoc", f"-I{proto}", f"-I{resources.files('grpc_tools') / '_proto'}",
        f"--python_out={out}", f"--grpc_python_out={out}", "fanfare/push/v1/push.proto",
    ])
    assert failed == 0, "the contract does not compile"
    sys.path.insert(0, out)


compile_contract()


@pytest.fixture(scope="session")
def address() -> str:
    return os.environ["FANFARE_GRPC"]


def options() -> list[tuple[str, object]]:
    """The options of a channel with the contract's service config."""
    service_config = (Path(os.environ["FANFARE_PROTO"]) / "fanfare/push/v1/service_config.json").read_text()
    return [
        ("grpc.service_config", service_config),
        # A channel of its own for each test: none inherits another's connection.
        ("grpc.use_local_subchannel_pool", 1),
    ]


def connect(address: str) -> grpc.Channel:
    return grpc.insecure_channel(address, options=options())


def secure_channel(address: str, credentials: grpc.ChannelCredentials) -> grpc.Channel:
    return grpc.secure_channel(address, credentials, options=options())


@pytest.fixture
def channel(address):
    with connect(address) as channel:
        yield channel


@pytest.fixture
def stub(channel):
    from fanfare.push.v1 import push_pb2_grpc

    return push_pb2_grpc.PushServiceStub(channel)


@pytest.fixture
def send(stub):
    """Sends a push, given as the fields of its message, and returns its result."""

    def send(timeout=CALL, **fields):
        return stub.SendPush(request(**fields), timeout=timeout).result

    return send


@pytest.fixture
def metrics_page():
    """The text of /metrics now."""

    def metrics_page():
        url = f"http://{os.environ['FANFARE_ADMIN']}/metrics"
        with urllib.request.urlopen(url, timeout=CALL) as answer:
            assert answer.headers["content-type"].startswith("application/openmetrics-text")
            return answer.read().decode()

    return metrics_page


@pytest.fixture
def metric(metrics_page):
    """The value of a sample now, by its name and labels."""

    def metric(name, **labels):
        families = text_string_to_metric_families(metrics_page())
        values = [
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(values) == 1, f"{name} {labels}: {values}"
        return values[0]

    return metric


@pytest.fixture
def orphans(metrics_page):
    """How many requests wait for their answers now whose callers have left."""

    def orphans():
        lines = metrics_page().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("fanfare_upstream_orphans{"))

    return orphans


@pytest.fixture(autouse=True)
def well(send, metrics_page):
    """A push service that left the pushes of an earlier test unanswered is left alone for a moment. A test begins after that."""
    from fanfare.push.v1 import push_pb2

    def left_alone():
        lines = metrics_page().splitlines()
        return any(line.startswith("fanfare_breaker_peers_open{") and not line.endswith(" 0") for line in lines)

    until(lambda: not left_alone() or send().outcome == push_pb2.OUTCOME_ACCEPTED)


def until(condition):
    """Waits for a condition, for as long as a call may take."""
    deadline = time.monotonic() + CALL
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def request(token=GOOD, **fields):
    """A SendPushRequest: a good push, but for the fields that are given."""
    from fanfare.push.v1 import push_pb2

    push = {
        "app": "demo",
        "target": {"apns": {"token": token}},
        "content": {"notification": {"title": "Hello"}},
        **fields,
    }
    return push_pb2.SendPushRequest(push=push_pb2.Push(**push))
