"""A feed, received by the example of docs/feed.md, whose library is that of the Standard Webhooks specification."""

import json
import os
import re
import sqlite3
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from conftest import CALL, DEAD, GOOD, connect, request, until

PAGE = Path(os.environ["FANFARE_PROTO"]).parent / "docs/feed.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEWER = "whsec_c3VwZXIgc2VjcmV0IHNpZ25pbmcga2V5IG9mIGE="


@pytest.fixture
def example():
    """What the page shows, as a module."""
    module = {"__name__": "receiver"}
    (code,) = re.findall(r"\n```python\n(.*?)\n```\n", PAGE.read_text(), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), module)
    return module


@contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def gateway(folder, port, secrets):
    """A gateway beside the one of all tests, with a feed."""
    (folder / "feed.secret").write_text("".join(f"{secret}\n" for secret in secrets))
    (folder / "feed.secret").chmod(0o600)
    feed = (
        f'[[feed]]\nname = "crm"\nurl = "http://127.0.0.1:{port}/fanfare"\n'
        f'secret_file = "{folder}/feed.secret"\nbatch_delay = "10ms"\n'
    )
    simulator = Path(os.environ["FANFARE_SIMULATOR"])
    # The files that it names are beside the one of all tests.
    config = simulator / f"feed-{port}.toml"
    config.write_text((simulator / "gateway.toml").read_text() + feed)
    ready = folder / "ready.json"
    binary = os.environ["FANFARE_BIN"]
    process = subprocess.Popen([binary, "serve", "--config", config, "--ready-file", ready])
    try:
        until(lambda: ready.exists() and ready.stat().st_size > 0)
        yield json.loads(ready.read_text())
        process.terminate()
        assert process.wait(CALL) == 0
    finally:
        process.kill()
        config.unlink()


def devices(database):
    with sqlite3.connect(database) as connection:
        return {token for (token,) in connection.execute("SELECT token FROM devices")}


@pytest.mark.parametrize("secrets", [[SECRET], [NEWER, SECRET]])
def test_the_example_deletes_what_is_gone(example, tmp_path, secrets):
    from fanfare.push.v1 import push_pb2, push_pb2_grpc

    database = tmp_path / "devices.sqlite"
    again = "dead" + "1" * 60
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE devices (token TEXT PRIMARY KEY, registered_at TEXT)")
        rows = [(DEAD, "2020-01-01T00:00:00.000Z"), (GOOD, "2020-01-01T00:00:00.000Z"), (again, "9999-01-01T00:00:00.000Z")]
        connection.executemany("INSERT INTO devices VALUES (?, ?)", rows)
    server = example["serve"](("127.0.0.1", 0), SECRET, database)
    with served(server) as port, gateway(tmp_path, port, secrets) as listens, connect(listens["grpc"]) as channel:
        stub = push_pb2_grpc.PushServiceStub(channel)
        for token in [DEAD, GOOD, again]:
            outcome = stub.SendPush(request(token), timeout=CALL).result.outcome
            expected = push_pb2.OUTCOME_ACCEPTED if token == GOOD else push_pb2.OUTCOME_UNREGISTERED
            assert outcome == expected
        until(lambda: devices(database) == {GOOD, again})


def test_the_example_takes_nothing_that_is_not_signed_with_its_secret(example, tmp_path):
    from fanfare.push.v1 import push_pb2_grpc

    database = tmp_path / "devices.sqlite"
    deleted = []
    example["delete"] = lambda *events: deleted.append(events)
    server = example["serve"](("127.0.0.1", 0), SECRET, database)
    with served(server) as port, gateway(tmp_path, port, [NEWER]) as listens, connect(listens["grpc"]) as channel:
        push_pb2_grpc.PushServiceStub(channel).SendPush(request(DEAD), timeout=CALL)
        refused = 'fanfare_feed_events_total{feed="crm",result="refused"} 1\n'
        until(lambda: refused in urlopen(f"http://{listens['admin']}/metrics", timeout=CALL).read().decode())
    assert deleted == []
