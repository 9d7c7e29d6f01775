"""A gateway that serves homeservers, in front of the simulator."""

import base64
import json
import os
import urllib.parse
import urllib.request
from pathlib import Path

from processes import Process, until

BINARY = os.environ["FANFARE_BIN"]

# Shorter than any homeserver waits, so that a push service that holds its answer is seen soon.
MAX_WAIT_SECONDS = 2

INGRESS = f"""
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[log]
filter = "warn"
[[http]]
listen = "127.0.0.1:0"
serve = ["matrix"]
[http.matrix]
max_wait = "{MAX_WAIT_SECONDS}s"
[http.matrix.apps."com.example.ios"]
app = "demo"
provider = "apns"
[http.matrix.apps."com.example.droid.*"]
app = "demo"
provider = "fcm"
"""


def http(method: str, url: str, body: object = None, headers: dict[str, str] | None = None) -> object:
    """A request with a body in JSON, and the JSON of its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def pushkey(token: str) -> str:
    """A device token as iOS apps of Matrix register it."""
    return base64.b64encode(bytes.fromhex(token)).decode()


class Simulator:
    """The push services."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = Process(folder / "simulator.log", BINARY, "simulate", "--dir", folder, "--quiet")

    def start(self) -> None:
        """Waits until it is there."""
        facts = self.folder / "simulator.json"
        until(lambda: facts.exists() and self.process.alive(), "the start of the simulator")
        self.control = json.loads(facts.read_text())["control"]

    def bodies(self, token: str) -> list[dict]:
        """What the pushes to a token said that were read, in their order."""
        query = urllib.parse.urlencode({"token": token, "stage": "read", "limit": 1000})
        page = http("GET", f"{self.control}/v1/journal?{query}")
        return [json.loads(entry["read"]["body"]["text"]) for entry in page["entries"]]

    def set_fate(self, token: str, fate: object) -> None:
        """Says what becomes of pushes to a device token of APNs."""
        http("PUT", f"{self.control}/v1/fates/apns/{token}", fate)


class Gateway:
    """The gateway."""

    def __init__(self, folder: Path) -> None:
        self.ready = folder / "ready.json"
        config = folder / "gateway.toml"
        config.write_text(INGRESS + (folder / "fanfare.toml").read_text())
        command = ["serve", "--config", config, "--ready-file", self.ready]
        self.process = Process(folder / "gateway.log", BINARY, *command)

    def start(self) -> None:
        """Waits until it is there."""
        until(lambda: self.ready.exists() and self.process.alive(), "the start of the gateway")
        addresses = json.loads(self.ready.read_text())
        self.url = f"http://{addresses['http'][0]}/_matrix/push/v1/notify"
        self.metrics = f"http://{addresses['admin']}/metrics"

    def counted(self, fate: str) -> int:
        """How many devices were told this to homeservers."""
        with urllib.request.urlopen(self.metrics, timeout=20) as page:
            lines = page.read().decode().splitlines()
        sample = f'fanfare_matrix_devices_total{{fate="{fate}"}} '
        return sum(int(line.removeprefix(sample)) for line in lines if line.startswith(sample))
