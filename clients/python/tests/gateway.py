"""A gateway with the simulator, as processes that a test may kill."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

START = 20
BINARY = os.environ["FANFARE_BIN"]
# Calls never go through a proxy that the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def until_written(file: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    deadline = time.monotonic() + START
    while not file.exists() or not file.read_text():
        assert process.poll() is None and time.monotonic() < deadline, f"{file} was not written"
        time.sleep(0.02)
    facts: dict[str, str] = json.loads(file.read_text())
    return facts


def free_port() -> int:
    """One that no connection is given by itself, so that nobody takes it while its gateway is down."""
    while True:
        port = random.randrange(20_000, 30_000)  # Linux gives 32768 and above: net.ipv4.ip_local_port_range.
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Simulator:
    def __init__(self, *flags: str) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="fanfare-python-"))
        self._process = subprocess.Popen([BINARY, "simulate", "--quiet", "--dir", self.dir, *flags])
        self.control = until_written(self.dir / "simulator.json", self._process)["control"]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.dir)

    def arrived(self) -> Counter[str]:
        """How often a push to each device token has arrived."""
        tokens: Counter[str] = Counter()
        after, more = 0, True
        while more:
            url = f"{self.control}/v1/journal?service=apns_production&limit=1000&after={after}"
            with OPENER.open(url, timeout=START) as answer:
                page = json.load(answer)
            tokens.update(entry["token"] for entry in page["entries"])
            after, more = page["last"], page["more"]
        return tokens


class Gateway:
    """Keeps its port when it is started again, so that clients find it."""

    def __init__(self, simulator: Simulator, configuration: str = "") -> None:
        self.address = f"127.0.0.1:{free_port()}"
        text = (simulator.dir / "fanfare.toml").read_text()
        self.config, self.ready = simulator.dir / "gateway.toml", simulator.dir / "ready.json"
        self.config.write_text(f'[log]\nfilter = "error"\n{configuration}\n{text}')
        self.start()

    def start(self) -> None:
        self.ready.unlink(missing_ok=True)
        # The environment is laid over the file.
        variables = {**os.environ, "FANFARE__GRPC__LISTEN": self.address, "FANFARE__ADMIN__LISTEN": "127.0.0.1:0"}
        self._process = subprocess.Popen(
            [BINARY, "serve", "--config", self.config, "--ready-file", self.ready], env=variables
        )
        until_written(self.ready, self._process)

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(START)
