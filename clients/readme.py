"""Runs a README as a reader would, in an empty folder: clients/readme.py README [FILE…]

Each block behind `<!-- file NAME -->` is saved under that name. Commands behind `$ ` run in one shell, in their order, and must
write what the README shows below them. `fanfare` is the binary that FANFARE_BIN names. The gateway's address is replaced by one
that is free, and nothing else. Each FILE has to stand in the README as it is.
"""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ADDRESS = "127.0.0.1:50051"
# Rust compiles what it needs anew, beside other checks.
SECONDS = 400
BLOCK = re.compile(r"(?:<!-- file (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


def commands(block):
    """The commands of a block, each with what it writes."""
    for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, output = command.partition("\n")
        yield line, output


def free_port():
    """One that no connection is given by itself, such as those of the simulator, which starts first."""
    while True:
        port = random.randrange(20_000, 30_000)  # Linux gives 32768 and above: net.ipv4.ip_local_port_range.
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def main(readme, files):
    text = Path(readme).read_text()
    shown = {name: block for name, _, block in BLOCK.findall(text)}
    for file in map(Path, files):
        assert shown.get(file.name) == file.read_text(), f"{readme} does not show {file}"
    address = f"127.0.0.1:{free_port()}"
    text = text.replace(ADDRESS, address)
    with tempfile.TemporaryDirectory(prefix="fanfare-readme-") as folder, tempfile.TemporaryDirectory() as path:
        (Path(path) / "fanfare").symlink_to(Path(os.environ["FANFARE_BIN"]).resolve())
        steps = []
        for name, language, block in BLOCK.findall(text):
            if name:
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / name).write_text(block)
            elif language == "console":
                steps += commands(block)
        assert steps, f"{readme} has no commands"
        mark = "-- the next command"
        shell = "set -eu\n" + "".join(f"{command}\necho '{mark}'\n" for command, _ in steps)
        variables = {
            **os.environ,
            "PATH": f"{path}:{os.environ['PATH']}",
            "FANFARE__GRPC__LISTEN": address,
            "FANFARE__ADMIN__LISTEN": "127.0.0.1:0",
        }
        written = Path(path) / "stdout"
        with written.open("w") as stdout:
            # A session of its own, so that what runs in its background can be ended with it.
            process = subprocess.Popen(["bash", "-c", shell], cwd=folder, env=variables, stdout=stdout, start_new_session=True)
            try:
                code = process.wait(SECONDS)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        outputs = written.read_text().split(f"{mark}\n")
        for (command, expected), output in zip(steps, outputs):
            print(f"$ {command}\n{output}", end="")
            assert output == expected, f"{readme} shows for {command}:\n{expected}"
        assert code == 0, f"{readme}: {steps[len(outputs) - 1][0]}: exit code {code}"
        print(f"{readme}: {len(steps)} commands")


main(sys.argv[1], sys.argv[2:])
