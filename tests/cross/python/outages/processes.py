"""Starts a gateway with a simulator of its own, and sends pushes through it."""

import json
import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc

# How long a program may take to start, and a condition to come true, on a busy machine. In seconds.
PATIENCE = 60

# An outage is to be noticed in seconds.
SETTINGS = {
    "GRPC__LISTEN": "127.0.0.1:0", "ADMIN__LISTEN": "127.0.0.1:0", "LOG__FORMAT": "json", "RELOAD__ON_CHANGE": "false",
    "UPSTREAM__ANSWER_TIMEOUT": "1s", "UPSTREAM__CONNECT_TIMEOUT": "2s",
    "UPSTREAM__BACKOFF_MIN": "100ms", "UPSTREAM__BACKOFF_MAX": "500ms",
    "UPSTREAM__BREAKER_WAIT": "500ms", "UPSTREAM__BREAKER_MAX_WAIT": "1s",
}


def until(condition: Callable[[], object], what: str) -> object:
    """Waits for a condition, and returns what it gave."""
    deadline = time.monotonic() + PATIENCE
    while not (given := condition()):
        assert time.monotonic() < deadline, f"within {PATIENCE} s there was not {what}"
        time.sleep(0.05)
    return given


def ask(url: str, method: str = "GET", body: object = None) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
        return answer.status, answer.read().decode()


class Program:
    """A program that says in a file that it has started."""

    def __init__(self, command: list[str], ready: Path, log: Path, environment: dict[str, str]):
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=errors, env={**os.environ, **environment}
            )
        self.ready = ready

    def await_start(self) -> dict:
        def written():
            assert self.process.poll() is None, self.log.read_text()
            return self.ready.exists() and self.ready.stat().st_size > 0

        until(written, str(self.ready))
        return json.loads(self.ready.read_text())

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Simulator(Program):
    def __init__(self, folder: Path):
        command = [os.environ["FANFARE_BIN"], "simulate", "--dir", str(folder), "--control", "127.0.0.1:0", "--quiet"]
        super().__init__(command, folder / "simulator.json", folder.with_suffix(".simulator.log"), {})

    def control(self, method: str, path: str, body: object = None) -> None:
        ask(f"{self.await_start()['control']}{path}", method, body)


class Gateway(Program):
    """A gateway that sends to the simulator of this folder."""

    def __init__(self, folder: Path, settings: dict[str, str], environment: dict[str, str], tables: str):
        self.config, ready = folder / "gateway.toml", folder / "ready.json"
        self.config.write_text((folder / "fanfare.toml").read_text() + tables)
        self.environment = environment | {f"FANFARE__{key}": value for key, value in {**SETTINGS, **settings}.items()}
        command = [os.environ["FANFARE_BIN"], "serve", "--config", str(self.config), "--ready-file", str(ready)]
        super().__init__(command, ready, folder.with_suffix(".gateway.log"), self.environment)

    def admin(self) -> str:
        return self.await_start()["admin"]

    def get(self, path: str) -> tuple[int, str]:
        return ask(f"http://{self.admin()}{path}")

    def status(self) -> dict:
        return json.loads(self.get("/status")[1])

    def lines(self) -> list[dict]:
        """What it has logged, but for a line that is being written."""
        return [json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]


class Load:
    """Callers that send one push after the other, until they are told to stop."""

    def __init__(self, channel: grpc.Channel, push: Callable[[int], dict], callers: int):
        from fanfare.push.v1 import push_pb2_grpc

        self.stub, self.push = push_pb2_grpc.PushServiceStub(channel), push
        self.channel, self.stop, self.broken = channel, threading.Event(), None
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(callers)]
        for thread in self.threads:
            thread.start()

    def run(self, number: int) -> None:
        try:
            self.send(number)
        except Exception as broken:
            self.broken = broken

    def send(self, number: int) -> None:
        from fanfare.push.v1 import push_pb2

        while not self.stop.is_set():
            fields = {"app": "demo", "content": {"notification": {"title": "Hello"}}, **self.push(number)}
            request = push_pb2.SendPushRequest(push=push_pb2.Push(**fields))
            try:
                # The gateway gives up first, after its limits.max_wait.
                self.stub.SendPush(request, timeout=PATIENCE)
            except grpc.RpcError as refused:
                # A caller over its rate is refused. Whatever else refuses a call is no part of an outage.
                assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, refused
            number += 1
            # Many pushes a second prove no more than some.
            self.stop.wait(0.05)

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.channel.close()
