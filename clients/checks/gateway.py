"""Runs a command beside a gateway whose push services are simulators, for the checks of every client.

gateway.py run COMMAND…     Runs it once the gateway serves.
gateway.py tls COMMAND…     The same with a gateway that has TLS and knows its callers: FANFARE_CA and FANFARE_TOKEN_FILE are what a
                            caller of it needs. Without the token the command has to fail.
gateway.py books COMMAND…   Runs it with a file of pushes, drains the gateway when some of them have ended, kills it when more
                            have, and holds what the command says of each push against the simulator's journal.

FANFARE_BIN names the gateway's binary. The command has FANFARE_GATEWAY, the gateway's address, and FANFARE_SIMULATOR, the
simulator's folder. {gateway} in the command becomes the address, and {pushes} the file, which has a push in ProtoJSON on
each line. For each push the command is to write a line: its id, `Answered`, `NotRead` or `Unknown`, and its outcome.
"""

import collections
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

BINARY = os.environ["FANFARE_BIN"]
PUSHES = 20_000
WINDOW = 4096  # limits.batch_window by default
# How long anything may take that is waited for, in seconds.
PATIENCE = 30
# Long enough that pushes are under way at each moment.
LATENCY = "50ms"


def free_port() -> int:
    """A port that stays the gateway's while it is away: the kernel gives connections ports from 32768 on."""
    for port in range(10_000 + os.getpid() % 20_000, 32_000):
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free")


class Stand:
    """A simulator and a gateway, which end with the block that they are used in."""

    def __init__(self, *flags: str, tls: bool = False):
        self.folder = tempfile.TemporaryDirectory(prefix="fanfare-client-")
        self.dir = Path(self.folder.name)
        self.address = f"127.0.0.1:{free_port()}"
        self.simulator = subprocess.Popen([BINARY, "simulate", "--dir", self.dir, "--quiet", *flags])
        self.await_file(self.dir / "simulator.json", self.simulator)
        self.facts = json.loads((self.dir / "simulator.json").read_text())
        config = f'[grpc]\nlisten = "{self.address}"\n[admin]\nlisten = "127.0.0.1:0"\n[log]\nfilter = "error"\n'
        if tls:
            config += self.callers()
        (self.dir / "gateway.toml").write_text(config + (self.dir / "fanfare.toml").read_text())
        self.start()

    def callers(self) -> str:
        """The settings of a gateway that knows one caller by a static key. It makes the files that they name."""
        new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=check".split()
        run = {"cwd": self.dir, "check": True, "stderr": subprocess.DEVNULL}
        subprocess.run([*new, "-keyout", "authority.key", "-out", "authority.pem"], **run)
        leaf = ["-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "subjectAltName=IP:127.0.0.1"]
        leaf += ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "gateway.key", "-out", "gateway.pem"]
        subprocess.run([*new, *leaf], **run)
        subprocess.run([BINARY, "caller-key", "caller.key"], **run)
        shown = subprocess.run([BINARY, "caller-key", "--show", "caller.key"], stdout=subprocess.PIPE, text=True, **run)
        return (
            '[grpc.tls]\ncertificate_file = "gateway.pem"\nprivate_key_file = "gateway.key"\n'
            '[callers.shop]\napps = ["demo"]\nproviders = ["apns"]\nrpcs = ["SendPush"]\nservice_classes = ["*"]\n'
            f'key_sha256 = ["{shown.stdout.strip()}"]\n'
        )

    def start(self) -> None:
        ready = self.dir / "ready.json"
        ready.unlink(missing_ok=True)
        config = self.dir / "gateway.toml"
        self.gateway = subprocess.Popen([BINARY, "serve", "--config", config, "--ready-file", ready])
        self.await_file(ready, self.gateway)

    def end(self, number: signal.Signals) -> None:
        self.gateway.send_signal(number)
        self.gateway.wait(PATIENCE)

    def await_file(self, file: Path, writer: subprocess.Popen) -> None:
        deadline = time.monotonic() + PATIENCE
        while not (file.exists() and file.stat().st_size):
            assert writer.poll() is None, f"what was to write {file} has ended"
            assert time.monotonic() < deadline, f"{file} was not written"
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.gateway, self.simulator):
            process.kill()
            process.wait()
        self.folder.cleanup()

    def command(self, words: list[str], shown: dict = {}, **options) -> subprocess.Popen:
        pushes = str(self.dir / "pushes.ndjson")
        words = [word.replace("{gateway}", self.address).replace("{pushes}", pushes) for word in words]
        given = {"FANFARE_GATEWAY": self.address, "FANFARE_SIMULATOR": str(self.dir), **shown}
        return subprocess.Popen(words, env=os.environ | given, **options)

    def arrivals(self) -> collections.Counter:
        """How often the push to each device token arrived."""
        counted, after = collections.Counter(), 0
        while True:
            url = f"{self.facts['control']}/v1/journal?service=apns_production&limit=1000&after={after}"
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                page = json.load(answer)
            assert not page["dropped"], "the journal is not whole"
            counted.update(entry["token"] for entry in page["entries"])
            if not page["more"]:
                return counted
            after = page["last"]


def run(words: list[str]) -> int:
    with Stand() as stand:
        return stand.command(words).wait()


def tls(words: list[str]) -> int:
    with Stand(tls=True) as stand:
        ca = {"FANFARE_CA": str(stand.dir / "authority.pem")}
        assert stand.command(words, ca, stderr=subprocess.DEVNULL).wait() != 0, "a caller without a token was let in"
        return stand.command(words, {**ca, "FANFARE_TOKEN_FILE": str(stand.dir / "caller.key")}).wait()


def token(number: int) -> str:
    return f"600d{number:060x}"


def books(words: list[str]) -> int:
    with Stand("--latency", LATENCY) as stand:
        pushes = [
            {"id": f"push-{number}", "app": "demo", "target": {"apns": {"token": token(number)}},
             "content": {"notification": {"title": "Hello"}}}
            for number in range(PUSHES)
        ]
        (stand.dir / "pushes.ndjson").write_text("".join(json.dumps(push) + "\n" for push in pushes))
        ends = {}
        reached = threading.Condition()

        def break_things():
            # Beside the reading of results, since a gateway that drains waits until they are read.
            for number in (signal.SIGTERM, signal.SIGKILL):
                with reached:
                    goal = len(ends) + PUSHES // 8
                    reached.wait_for(lambda: len(ends) >= goal)
                stand.end(number)
                stand.start()
            broken.set()

        broken = threading.Event()
        threading.Thread(target=break_things, daemon=True).start()
        with stand.command(words, stdout=subprocess.PIPE, text=True) as sender:
            for line in sender.stdout:
                push, *end = line.split()
                assert push not in ends, f"{push} has two results"
                ends[push] = end
                with reached:
                    reached.notify()
        assert sender.returncode == 0, f"the command ended with {sender.returncode}"
        arrived = stand.arrivals()
    counted = collections.Counter(" ".join(end) for end in ends.values())
    wrong = [name for name in (f"push-{number}" for number in range(PUSHES)) if name not in ends]
    assert not wrong, f"{len(wrong)} pushes have no result, such as {wrong[0]}"
    assert len(ends) == PUSHES, "there are results of pushes that nobody sent"
    assert broken.is_set(), "the batch was over before the gateway was killed"
    for number in range(PUSHES):
        end, times = ends[f"push-{number}"], arrived[token(number)]
        assert times <= 1, f"push-{number} arrived {times} times, and ended as {end}"
        assert end != ["Answered", "OUTCOME_ACCEPTED"] or times == 1, f"push-{number} was accepted and did not arrive"
        assert end[0] != "NotRead" or times == 0, f"push-{number} was not read and arrived"
    unknown = sum(end[0] == "Unknown" for end in ends.values())
    assert unknown <= WINDOW, f"{unknown} pushes are in doubt, which is more than can be open"
    unknown_arrived = sum(arrived[token(n)] for n in range(PUSHES) if ends[f"push-{n}"][0] == "Unknown")
    print(f"{PUSHES} pushes, a drain and a kill: {dict(counted)}; {unknown_arrived} unknown ones arrived, none twice")
    return 0


if __name__ == "__main__":
    sys.exit({"run": run, "tls": tls, "books": books}[sys.argv[1]](sys.argv[2:]))
