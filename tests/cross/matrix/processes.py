"""Processes that a test starts, and waits that end."""

import subprocess
import time
from pathlib import Path
from typing import Callable, TypeVar

# No test waits longer than this for something that must happen, in seconds. Synapse alone needs half of it to start.
SOON = 60
# How long a test waits before it looks again, in seconds.
LOOK = 0.05
# How long a process may take to end, in seconds.
END = 20

T = TypeVar("T")


def until(look: Callable[[], T], what: str) -> T:
    """What `look` finds at last, which it must do within a bound."""
    deadline = time.monotonic() + SOON
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {SOON} s"
        time.sleep(LOOK)
    return found


class Process:
    """A process that writes to a file, and that ends with the test."""

    def __init__(self, log: Path, *command: str | Path, cwd: Path | None = None) -> None:
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=cwd)

    def alive(self) -> bool:
        """True, or else what it wrote is shown."""
        assert self.process.poll() is None, f"{self.process.args[0]} has ended:\n{self.log.read_text()}"
        return True

    def end(self) -> None:
        """Ends it, politely first."""
        self.process.terminate()
        try:
            self.process.wait(END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
