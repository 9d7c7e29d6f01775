"""Follows a page as its reader would, in an empty folder: reader.py PAGE [FILE…]

In a block of `console` a line that begins with `$ ` is a command, and the lines below it are what it prints, with `…` for what differs
each time. A block of `sh` is commands whose output is not shown. `<!-- file NAME -->` before a block says that the reader saves it,
`<!-- made NAME -->` that a command has made it, and `<!-- value A B -->` which value stands in for one that only the reader has, such
as a device token. All commands run in one shell. `fanfare` is the binary that FANFARE_BIN names, and the usual addresses are replaced
by free ones. Each FILE has to stand on the page as it is.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

# How long one command may take, in seconds: some download and compile, beside other checks.
LIMIT = 400
GRPC, ADMIN, CONTROL, HTTP = "127.0.0.1:50051", "127.0.0.1:9464", "127.0.0.1:8460", "127.0.0.1:8080"
# What these tell people is on standard error, as warnings are, which no page shows.
TELLS = re.compile(r"fanfare (batch|caller-key|init)\b")
# What the shell says after each command.
MARK = "-- the next command"
FENCE = re.compile(r"^ *(?:<!-- (file|made|value) ([^>]*?) -->\n *)?```(\w*)[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of a page, with what the comment before it says."""

    kind: str
    said: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(kind, said, language, textwrap.dedent(text)) for kind, said, language, text in FENCE.findall(page)]


def commands(block: Block) -> Iterator[tuple[str, str | None]]:
    """The commands of a block, each with what it prints, or None where that is not shown. Those of root begin with `# `."""
    if block.language == "sh":
        yield block.text.rstrip("\n"), None
    if block.language == "console":
        for entry in re.split(r"^[$#] ", block.text, flags=re.MULTILINE)[1:]:
            command, printed = re.fullmatch(r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)", entry, re.DOTALL).groups()
            yield command, printed


def free_address() -> str:
    """One that no connection is given by itself, such as those of the simulator, which starts first."""
    while True:
        port = random.randrange(20_000, 30_000)  # Linux gives 32768 and above: net.ipv4.ip_local_port_range.
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return f"127.0.0.1:{port}"


class Reader:
    """The shell of a reader, in a folder. What runs in its background ends with it."""

    def __init__(self, folder: Path):
        self.folder, self.values = folder, {usual: free_address() for usual in (GRPC, ADMIN, CONTROL, HTTP)}
        self.admin = self.values[ADMIN]
        path = folder.with_name(f"{folder.name}-path")
        path.mkdir()
        (path / "fanfare").symlink_to(Path(os.environ["FANFARE_BIN"]).resolve())
        self.errors = path / "stderr"
        variables = {
            "PATH": f"{path}:{os.environ['PATH']}",
            "FANFARE_TO": f"http://{self.values[GRPC]}",
            "FANFARE_ADMIN": f"http://{self.admin}",
            "FANFARE__GRPC__LISTEN": self.values[GRPC],
            "FANFARE__ADMIN__LISTEN": self.admin,
            "FANFARE__LOG__FILTER": "warn",
        }
        with self.errors.open("w") as errors:
            # A session of its own, so that what runs in its background can be ended with it.
            self.shell = subprocess.Popen(
                ["bash", "-e"], cwd=folder, env=os.environ | variables, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait()
        self.shell.stdin.close()
        self.shell.stdout.close()

    def set(self, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            assert "'" not in value, value
            self.run(f"export {name}='{value}'")

    def run(self, command: str) -> str:
        """Runs a command, which has to succeed, and returns what it prints."""
        starts = re.match(r"(\w+=\S+ )*fanfare (serve|simulate)\b", command)
        if starts and "&" not in command:
            # Who follows a page has a terminal more for it.
            command += " &"
        errors = "2>&1" if TELLS.search(command) else ""
        self.shell.stdin.write(f"{{ {command}\n}} < /dev/null {errors}\necho '{MARK}'\n".encode())
        self.shell.stdin.flush()
        printed = self.printed(command)
        if starts and command.endswith("&"):
            self.await_start(command)
        return printed

    def printed(self, command: str) -> str:
        """What a command prints until it ends. The shell ends with a command that fails."""
        printed, deadline, stdout = b"", time.monotonic() + LIMIT, self.shell.stdout.fileno()
        while not printed.endswith(f"{MARK}\n".encode()):
            # The end of the shell is no end of its output, which what runs in its background has as well.
            ended = self.shell.poll() is not None
            readable, _, _ = select.select([stdout], [], [], 0.1)
            more = os.read(stdout, 65536) if readable else b""
            printed += more
            said = f"{command}\n{printed.decode(errors='replace')}{self.errors.read_text()}"
            assert more or not ended, f"{said}it fails"
            assert time.monotonic() < deadline, f"{said}it does not end"
        return printed.decode().removesuffix(f"{MARK}\n").replace("\r\n", "\n")

    def await_start(self, command: str) -> None:
        """Waits as a reader does, who sees a gateway or a simulator start before they go on."""
        folder = re.search(r"--dir (\S+)", command)

        def has_started() -> bool:
            if folder:
                return (self.folder / folder[1] / "simulator.json").exists()
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"http://{self.admin}/readyz", timeout=5).status == 200
            return False

        deadline = time.monotonic() + LIMIT
        while not has_started():
            assert time.monotonic() < deadline, f"{command}\nit does not start\n{self.errors.read_text()}"
            self.run("kill -0 $!")
            time.sleep(0.05)

    def follow(self, page: Path, is_left_out: Callable[[str], bool] = lambda _: False) -> int:
        """Does what a page says, but for commands that are left out. Returns how many it ran."""
        ran = 0
        for block in blocks(page.read_text()):
            if block.kind == "value":
                reader, ours = block.said.split()
                self.values[reader] = ours
            file = self.folder / block.said
            if block.kind == "made":
                self.compare(page, f"the file {block.said}", block.text, file.read_text())
            if block.kind == "file":
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self.ours(block.text))
                continue
            for command, shown in commands(block):
                if is_left_out(command):
                    continue
                printed = self.run(self.ours(command))
                ran += 1
                print(f"$ {command}\n{printed}", end="")
                if shown is not None:
                    self.compare(page, command, shown, printed)
        return ran

    def compare(self, page: Path, what: str, shown: str, found: str) -> None:
        wanted = re.escape(self.ours(shown).strip()).replace("…", ".*")
        assert re.fullmatch(wanted, self.ours(found).strip()), f"{page} shows for {what}:\n{shown}and there is:\n{found}"

    def ours(self, text: str) -> str:
        for value, ours in self.values.items():
            text = text.replace(value, ours)
        return text


def main(page: Path, files: list[Path]) -> None:
    shown = {block.said: block.text for block in blocks(page.read_text()) if block.kind == "file"}
    for file in files:
        assert shown.get(file.name) == file.read_text(), f"{page} does not show {file}"
    with tempfile.TemporaryDirectory(prefix="fanfare-page-") as folder:
        (Path(folder) / "reader").mkdir()
        with Reader(Path(folder) / "reader") as reader:
            ran = reader.follow(page)
    assert ran > 0, f"{page} has no commands"
    print(f"{page}: {ran} commands")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(file) for file in sys.argv[2:]])
