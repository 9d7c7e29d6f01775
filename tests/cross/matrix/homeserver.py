"""A real Synapse, and its users."""

import itertools
import json
import socket
import sys
import urllib.error
import urllib.parse
from pathlib import Path

from gateway import http
from processes import Process, until


def free_port() -> int:
    """A port that was free a moment ago: Synapse cannot say which one it took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Homeserver:
    """A homeserver of its own, which lasts as long as the test."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.origin = f"http://127.0.0.1:{port}"
        without_limits = {"per_second": 1000, "burst_count": 1000}
        config = {
            "server_name": "localhost",
            "listeners": [{
                "port": port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
                "resources": [{"names": ["client"]}],
            }],
            "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
            "media_store_path": str(folder / "media"),
            "log_config": str(folder / "log.yaml"),
            "signing_key_path": str(folder / "signing.key"),
            "macaroon_secret_key": "test", "form_secret": "test",
            "report_stats": False,
            "trusted_key_servers": [],
            # Without it pushes to loopback fail as blocked.
            "ip_range_whitelist": ["127.0.0.1/32"],
            "enable_registration": True, "enable_registration_without_verification": True,
            "rc_message": without_limits, "rc_registration": without_limits,
            "rc_login": {limit: without_limits for limit in ("address", "account", "failed_attempts")},
            "rc_invites": {limit: without_limits for limit in ("per_room", "per_user", "per_issuer")},
        }
        handler = {"class": "logging.StreamHandler"}
        log = {"version": 1, "handlers": {"out": handler}, "root": {"level": "WARNING", "handlers": ["out"]}}
        # JSON is YAML.
        (folder / "homeserver.yaml").write_text(json.dumps(config))
        (folder / "log.yaml").write_text(json.dumps(log))
        command = [sys.executable, "-m", "synapse.app.homeserver", "--config-path", folder / "homeserver.yaml"]
        keys = Process(folder / "keys.log", *command, "--generate-keys", cwd=folder)
        assert keys.process.wait(60) == 0, keys.log.read_text()
        self.process = Process(folder / "homeserver.log", *command, cwd=folder)

    def start(self) -> None:
        """Waits until it answers."""
        until(lambda: self.process.alive() and self.answers(), "the start of Synapse")

    def answers(self) -> bool:
        try:
            http("GET", f"{self.origin}/_matrix/client/versions")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True


class User:
    """A user, with what clients do."""

    numbers = itertools.count(1)

    def __init__(self, homeserver: Homeserver, name: str) -> None:
        self.origin = homeserver.origin
        self.headers: dict[str, str] = {}
        auth = {"username": name, "password": "password", "auth": {"type": "m.login.dummy"}}
        registered = self.call("POST", "register", auth)
        self.id = registered["user_id"]
        self.headers = {"Authorization": f"Bearer {registered['access_token']}"}

    def call(self, method: str, path: str, body: object = None) -> dict:
        return http(method, f"{self.origin}/_matrix/client/v3/{path}", body, self.headers)

    def push_to(self, url: str, app_id: str, pushkey: str, **data: object) -> None:
        """Registers a device."""
        self.call("POST", "pushers/set", {
            "kind": "http", "app_id": app_id, "pushkey": pushkey, "app_display_name": "app",
            "device_display_name": "device", "lang": "en", "append": True, "data": {"url": url, **data},
        })

    def pushkeys(self) -> set[str]:
        """The devices that are registered."""
        return {pusher["pushkey"] for pusher in self.call("GET", "pushers")["pushers"]}

    def talk_with(self, other: "User") -> str:
        """A room of two."""
        room = {"preset": "trusted_private_chat", "is_direct": True, "invite": [other.id], "name": "Mission Control"}
        room = self.call("POST", "createRoom", room)["room_id"]
        other.call("POST", f"join/{urllib.parse.quote(room)}", {})
        return room

    def say(self, room: str, body: str) -> str:
        """Sends a message."""
        path = f"rooms/{urllib.parse.quote(room)}/send/m.room.message/{next(self.numbers)}"
        return self.call("PUT", path, {"msgtype": "m.text", "body": body})["event_id"]

    def read(self, room: str, event: str) -> None:
        """Says that a message was read."""
        room, event = urllib.parse.quote(room), urllib.parse.quote(event)
        self.call("POST", f"rooms/{room}/receipt/m.read/{event}", {})
