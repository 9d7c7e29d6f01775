"""Every command of the tutorials and how-to guides runs as it stands on its page, and prints what the page shows.

A page is one session of a shell in an empty folder. In a block of `console`, a line that begins with `$ ` is a command and the lines after
it are what it prints, with `…` for what differs each time; without such lines nothing is compared. `<!-- file NAME -->` before a block
says that the reader saves it. `<!-- value A B -->` says which value stands in for one that only the reader has, such as a device token.

The reader's push services are played by a simulator, which environment variables lead to.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
LIMIT = 60
BLOCK = re.compile(r"(?:<!-- (file|value) ([^>]*?) -->\n)?^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)

# The pages that are for the simulator, and those that are for an account of the reader's own.
ON_THE_SIMULATOR = [
    "tutorials/first-push.md",
    "how-to/two-million-tokens.md",
    "how-to/token-hygiene.md",
    "how-to/rotate-keys.md",
    "how-to/test-your-service.md",
]
WITH_AN_ACCOUNT = ["tutorials/iphone.md", "tutorials/android.md", "tutorials/browser.md"]


def free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def until(holds) -> None:
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ready(admin: str) -> bool:
    try:
        return urllib.request.urlopen(f"http://{admin}/readyz", timeout=5).status == 200
    except OSError:
        return False


class Session:
    """A reader's shell, with addresses of this run in place of the usual ones."""

    def __init__(self, folder: Path):
        self.folder, self.started = folder, []
        self.usual = {usual: free_port() for usual in ("127.0.0.1:50051", "127.0.0.1:9464", "127.0.0.1:8460")}
        grpc, self.admin, _ = self.usual.values()
        self.environment = os.environ | {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "FANFARE_TO": f"http://{grpc}",
            "FANFARE__GRPC__LISTEN": grpc,
            "FANFARE__ADMIN__LISTEN": self.admin,
            "FANFARE__LOG__FILTER": "warn",
        }
        (folder / "bin").mkdir()
        (folder / "bin/fanfare").symlink_to(os.environ["FANFARE_BIN"])

    def run(self, command: str) -> str:
        for usual, ours in self.usual.items():
            command = command.replace(usual, ours)
        if command.endswith(" &"):
            self.start(command.removesuffix(" &"))
            return ""
        # The summary of a batch is for people, so it is on standard error, as warnings are, which no page shows.
        ran = subprocess.run(
            ["bash", "-ec", command], cwd=self.folder, env=self.environment, text=True, timeout=LIMIT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT if "fanfare batch" in command else subprocess.PIPE,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def start(self, command: str) -> None:
        process = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment)
        self.started.append(process)
        if "simulate" in command:
            until(lambda: (self.folder / "sim/simulator.json").exists() or process.poll() is not None)
        else:
            until(lambda: ready(self.admin) or process.poll() is not None)
        assert process.poll() is None, command

    def end(self) -> None:
        for process in self.started:
            process.send_signal(signal.SIGTERM)
        for process in self.started:
            process.wait(LIMIT)


def follow(page: str, session: Session) -> int:
    """Does what the page says, and returns how many commands it has."""
    commands, values = 0, {}
    for kind, name, language, text in BLOCK.findall((DOCS / page).read_text()):
        if kind == "file":
            (session.folder / name).write_text(text)
        if kind == "value":
            reader, ours = name.split()
            values[reader] = ours
        if language != "console":
            continue
        for entry in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, shown = entry.partition("\n")
            for reader, ours in values.items():
                command = command.replace(reader, ours)
            printed = session.run(command)
            commands += 1
            pattern = re.escape(shown.strip()).replace("…", ".*")
            assert not shown.strip() or re.fullmatch(pattern, printed.strip()), f"{page}: {command}\n{printed}"
    return commands


@pytest.fixture
def session(tmp_path):
    session = Session(tmp_path)
    yield session
    session.end()


@pytest.mark.parametrize("page", ON_THE_SIMULATOR)
def test_a_page_for_the_simulator(page, session):
    if "fanfare simulate" not in (DOCS / page).read_text():
        # It goes on from where the first tutorial has led to.
        session.start("fanfare simulate --dir sim --quiet")
        session.start("fanfare serve --config sim/fanfare.toml")
    assert follow(page, session) >= 1


@pytest.mark.parametrize("page", WITH_AN_ACCOUNT)
def test_a_page_for_an_account_of_the_readers_own(page, session):
    session.start("fanfare simulate --dir sim --quiet --topic com.example.shop --project my-project")
    simulated = session.folder / "sim"
    facts = json.loads((simulated / "simulator.json").read_text())
    session.environment |= {
        "FANFARE__APNS__SANDBOX": facts["sandbox"],
        "FANFARE__FCM__ORIGIN": facts["fcm"]["origin"],
        "FANFARE__UPSTREAM__CA_FILES": json.dumps([str(simulated / "ca.pem")]),
    }
    # A variable is for a table that the page's configuration has.
    if "iphone" in page:
        key = "FANFARE__APPS__SHOP__APNS__TOKEN__"
        session.environment |= {f"{key}KEY_ID": facts["key_id"], f"{key}TEAM_ID": facts["team_id"]}
        shutil.copy(simulated / "AuthKey.p8", session.folder / "AuthKey_ABC123DEFG.p8")
    if "android" in page:
        shutil.copy(simulated / "service-account.json", session.folder)
    if "browser" in page:
        web = "FANFARE__APPS__WEB__WEB_PUSH__"
        session.environment |= {f"{web}KEY_FILE": str(simulated / "vapid.pem"), f"{web}HOSTS": '["localhost"]'}
        session.environment |= {f"{web}ANY_PORT": "true", f"{web}PRIVATE_ADDRESSES": "true"}
        shutil.copy(simulated / "subscriptions/google-good.json", session.folder / "subscription.json")
    assert follow(page, session) >= 3
