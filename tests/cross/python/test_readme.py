"""What README.md tells a caller in Python to copy runs as it is written, and the pages for callers show what is tested."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CALL

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"


def stripped(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("page, pieces", [("docs/calling.md", 5), ("docs/callers.md", 8)])
def test_the_pages_for_callers_show_code_that_is_tested(page, pieces):
    shown = re.findall(r"<!-- from (\S+) -->\n```\w+\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert len(shown) == pieces
    for file, code in shown:
        wanted, lines = stripped(code), stripped((ROOT / file).read_text())
        found = any(lines[at : at + len(wanted)] == wanted for at in range(len(lines)))
        assert found, f"{page} shows code that {file} does not have:\n{code}"


def test_the_callers_example_runs_as_it_is_written(address, tmp_path):
    section = README.read_text().split("## Call it from your language")[1].split("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (commands,) = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    (generate,) = [line.removeprefix("$ ") for line in commands.splitlines() if "grpc_tools.protoc" in line]
    (tmp_path / "proto").symlink_to(os.environ["FANFARE_PROTO"])
    subprocess.run(generate.replace("python", sys.executable, 1).split(), cwd=tmp_path, check=True, timeout=CALL)
    assert "127.0.0.1:50051" in example
    script = example.replace("127.0.0.1:50051", address)
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=CALL)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "order-17: OUTCOME_ACCEPTED\n"
