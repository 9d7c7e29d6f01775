"""Starts `fanfare simulate` for tests in Python and talks to its control API, and a gateway that sends to it.

With pytest, `from fanfare_simulator import *` in conftest.py gives tests the fixtures `simulator` and `gateway`. One simulator
serves all tests of a session, and every test finds it as it was at the start; a gateway remembers who failed, so each test has its
own. It needs nothing but Python 3.9.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

START_SECONDS = 20
END_SECONDS = 20
# Longer than the longest wait for the journal, which is 60 s.
CALL_SECONDS = 70
# Calls never go through a proxy that the environment names: the control API is on loopback.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


# What `import *` gives a conftest.py.
__all__ = ["gateway", "simulator", "simulator_process"]


class Problem(Exception):
    """The control API refused a call; the text says which field, what was found and what was expected."""


def start(words, facts, log, binary=None, **variables):
    """Starts `fanfare WORDS`. It has started when it has written its facts, which it does in one step. Returns both."""
    facts.unlink(missing_ok=True)
    command = [binary or os.environ.get("FANFARE_BIN", "fanfare"), *words]
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **variables})
    deadline = time.monotonic() + START_SECONDS
    while not facts.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            end(process)
            raise RuntimeError(f"fanfare {words[0]} did not start: {log.read_text()}")
        time.sleep(0.02)
    return process, json.loads(facts.read_text())


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Gateway:
    """A running `fanfare serve` that sends to a simulator; its app is called `demo`. `grpc` and `admin` are its addresses."""

    def __init__(self, simulator):
        facts, log = simulator.dir / "gateway.json", simulator.dir / "gateway.log"
        words = ["serve", "--config", str(simulator.dir / "fanfare.toml"), "--ready-file", str(facts)]
        ports = {"FANFARE__GRPC__LISTEN": "127.0.0.1:0", "FANFARE__ADMIN__LISTEN": "127.0.0.1:0"}
        self._process, facts = start(words, facts, log, **ports)
        self.grpc, self.admin = facts["grpc"], facts["admin"]

    def stop(self):
        """Ends the process, which lets the pushes in flight come to their verdicts."""
        end(self._process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Simulator:
    """A running `fanfare simulate`. `with Simulator() as simulator:` ends it at the end of the block.

    `facts` is simulator.json: addresses, ids, and the tables of fates. `dir` has what clients hold: ca.pem,
    AuthKey.p8, service-account.json, vapid.pem and subscriptions/NAME.json.
    """

    def __init__(self, *flags, binary=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fanfare-"))
        words = ["simulate", "--quiet", "--dir", str(self.dir), *flags]
        try:
            self._process, self.facts = start(words, self.dir / "simulator.json", self.dir / "simulator.log", binary=binary)
        except BaseException:
            shutil.rmtree(self.dir, ignore_errors=True)
            raise

    def stop(self):
        """Ends the process, which lets the requests under way be answered, and removes the folder."""
        end(self._process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def ca(self):
        """The path of the certificate that clients must trust."""
        return str(self.dir / "ca.pem")

    def call(self, method, path, body=None, **query):
        """Calls the control API; the paths and bodies are those of docs/simulator.md."""
        query = {key: value for key, value in query.items() if value is not None}
        url = self.facts["control"] + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with OPENER.open(request, timeout=CALL_SECONDS) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Problem(f"{method} {path}: {error.read().decode()}") from None
        return json.loads(text) if text else None

    def journal(self, service=None, token=None, apns_id=None, stage=None):
        """All entries that fit, read page by page."""
        entries, after, more = [], 0, True
        while more:
            page = self.call("GET", "/v1/journal", service=service, token=token, apns_id=apns_id, stage=stage,
                             after=after, limit=1000)
            entries += page["entries"]
            after, more = page["last"], page["more"]
        return entries

    def wait(self, count, timeout="10s", **filters):
        """Waits until so many entries fit, and returns all that do; fails when the time is over."""
        page = self.call("GET", "/v1/journal", wait=count, timeout=timeout, limit=1, **filters)
        if not page["reached"]:
            raise TimeoutError(f"the journal has fewer than {count} entries with {filters} after {timeout}")
        return self.journal(**filters)

    def clear_journal(self):
        self.call("DELETE", "/v1/journal")

    def fault(self, fault, when="always", times=1):
        """Scripts a fault, as `fault({"refuse": "unavailable"}, times=20)`; returns its number."""
        return self.call("POST", "/v1/faults", {"fault": fault, "when": when, "times": times})["id"]

    def clear_faults(self):
        self.call("DELETE", "/v1/faults")

    def fate(self, service, token, fate):
        """Sets what becomes of the pushes to a token, as `fate("apns", "0a01", {"like": "dead"})`."""
        self.call("PUT", f"/v1/fates/{service}/{urllib.parse.quote(token, safe='')}", fate)

    def forward(self, duration):
        """Moves the clock that judges tokens, as `forward("61m")`."""
        self.call("POST", "/v1/clock", {"forward": duration})

    def expire_tokens(self):
        """Ends the provider tokens and access tokens that were seen so far; new ones are good."""
        self.call("POST", "/v1/tokens/expire")

    def reset(self):
        """Everything is as it was at the start."""
        self.call("POST", "/v1/reset")


@pytest.fixture(scope="session")
def simulator_process():
    with Simulator() as running:
        yield running


@pytest.fixture
def simulator(simulator_process):
    simulator_process.reset()
    return simulator_process


@pytest.fixture
def gateway(simulator):
    with Gateway(simulator) as running:
        yield running
