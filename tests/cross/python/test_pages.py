"""Every command of every page runs as it stands there and prints what the page shows, or elsewhere.py says what runs in its place.

reader.py says what a reader does with a page. Push services are played by a simulator, which environment variables lead to where the
page is for an account of the reader's own.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import elsewhere
import pytest
from reader import Reader, blocks, commands

ROOT = Path(__file__).parents[3]
PAGES = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
# What a command begins with, where a page has not said that it is one.
PROGRAMS = ("$ ", "# ", "fanfare ", "cargo ", "curl ", "kubectl ", "helm ", "docker ", "python ", "npm ", "go ")


def commands_of(page: str) -> list[str]:
    return [command for block in blocks((ROOT / page).read_text()) for command, _ in commands(block)]


def is_followed(page: str) -> bool:
    return any(not elsewhere.run_elsewhere(page, command) for command in commands_of(page))


@pytest.fixture(autouse=True)
def well():
    """These tests have gateways of their own, so they do not wait for the one of the others."""


@pytest.fixture
def reader(tmp_path):
    folder = tmp_path / "reader"
    folder.mkdir()
    with Reader(folder) as reader:
        yield reader


def simulated(reader: Reader, *flags: str) -> dict:
    """Starts a simulator, and leads a gateway of the reader's own account to it. Returns the simulator's addresses and ids."""
    reader.run(f"fanfare simulate --dir {reader.folder}-sim --quiet {' '.join(flags)} &")
    folder = Path(f"{reader.folder}-sim")
    facts = json.loads((folder / "simulator.json").read_text())
    reader.set({
        "FANFARE__APNS__SANDBOX": facts["sandbox"],
        "FANFARE__APNS__PRODUCTION": facts["production"],
        "FANFARE__FCM__ORIGIN": facts["fcm"]["origin"],
        "FANFARE__UPSTREAM__CA_FILES": json.dumps([str(folder / "ca.pem")]),
    })
    for file in ("AuthKey.p8", "service-account.json", "vapid.pem"):
        shutil.copy(folder / file, reader.folder)
    return facts


def have_an_apple_account(reader: Reader) -> None:
    facts = simulated(reader, "--topic com.example.shop")
    key = "FANFARE__APPS__SHOP__APNS__TOKEN__"
    reader.set({f"{key}KEY_ID": facts["key_id"], f"{key}TEAM_ID": facts["team_id"]})
    (reader.folder / "AuthKey.p8").rename(reader.folder / "AuthKey_ABC123DEFG.p8")


def have_a_google_account(reader: Reader) -> None:
    simulated(reader, "--project my-project")


def have_a_browser(reader: Reader) -> None:
    simulated(reader)
    web = "FANFARE__APPS__WEB__WEB_PUSH__"
    # The subscription of a simulated browser is bound to the key of the simulator.
    reader.set({f"{web}KEY_FILE": f"{reader.folder}-sim/vapid.pem", f"{web}HOSTS": '["localhost"]'})
    reader.set({f"{web}ANY_PORT": "true", f"{web}PRIVATE_ADDRESSES": "true"})
    (reader.folder / "vapid.pem").unlink()
    shutil.copy(f"{reader.folder}-sim/subscriptions/google-good.json", reader.folder / "subscription.json")


def have_keys_alone(reader: Reader) -> None:
    folder = f"{reader.folder}-sim"
    reader.run(f"fanfare simulate --dir {folder} --quiet & until [ -f {folder}/simulator.json ]; do sleep 0.1; done; kill $!")
    shutil.copy(f"{folder}/AuthKey.p8", reader.folder / "AuthKey_ABC123DEFG.p8")
    shutil.copy(f"{folder}/service-account.json", reader.folder)


def have_a_certificate_too(reader: Reader) -> None:
    have_keys_alone(reader)
    identities = Path(os.environ["FANFARE_IDENTITIES"])
    shutil.copy(identities / "gateway.pem", reader.folder / "tls.crt")
    shutil.copy(identities / "gateway.key", reader.folder / "tls.key")
    (reader.folder / "tls.key").chmod(0o600)


def run_sygnal(reader: Reader) -> None:
    facts = simulated(reader)
    apple = {"type": "apns", "keyfile": "AuthKey.p8", "key_id": facts["key_id"], "team_id": facts["team_id"]}
    google = {"type": "gcm", "api_version": "v1", "project_id": facts["fcm"]["projects"][0], "service_account_file": "service-account.json"}
    # JSON is YAML.
    apps = {"com.example.ios": apple | {"topic": facts["topics"][0]}, "com.example.droid": google}
    (reader.folder / "sygnal.yaml").write_text(json.dumps({"apps": apps}))
    reader.values |= {"/etc/sygnal": str(reader.folder), "/etc/fanfare": f"{reader.folder}/made"}
    reader.set({"FANFARE__HTTP__0__LISTEN": "127.0.0.1:0"})


def run_a_mattermost_push_proxy(reader: Reader) -> None:
    facts = simulated(reader)
    apple = {
        "Type": "apple_rn", "ApplePushTopic": facts["topics"][0], "AppleAuthKeyFile": f"{reader.folder}/AuthKey.p8",
        "AppleAuthKeyID": facts["key_id"], "AppleTeamID": facts["team_id"],
    }
    google = {"Type": "android_rn", "ServiceFileLocation": f"{reader.folder}/service-account.json"}
    config = {"ListenAddress": ":8066", "ApplePushSettings": [apple], "AndroidPushSettings": [google]}
    (reader.folder / "mattermost-push-proxy.json").write_text(json.dumps(config))
    reader.values |= {"/mattermost-push-proxy/config": str(reader.folder), "/etc/fanfare": f"{reader.folder}/made"}
    reader.set({"FANFARE__HTTP__0__LISTEN": "127.0.0.1:0"})


def be_a_known_caller(reader: Reader) -> None:
    identities = Path(os.environ["FANFARE_IDENTITIES"])
    for file, name in {"web.key": "token.jwt", "orders.pem": "orders.pem", "orders.key": "orders.key"}.items():
        shutil.copy(identities / file, reader.folder / name)
    push = {"app": "demo", "target": {"apns": {"token": "600d"}}, "content": {"notification": {"title": "Hello"}}}
    (reader.folder / "pushes.ndjson").write_text(json.dumps(push))
    reader.values |= {"gateway.example:50051": os.environ["FANFARE_TLS"], "--app shop": "--app demo", "5f1c…e2": "600d"}
    reader.set({"FANFARE_CA": str(identities / "gateway-ca.pem")})


def have_followed_the_first_tutorial(reader: Reader) -> None:
    reader.run("fanfare simulate --dir sim --quiet &")
    reader.run("fanfare serve --config sim/fanfare.toml &")
    reader.set({"FANFARE_CONFIG": "sim/fanfare.toml"})


# What a reader has who comes to a page, where it is not what the first tutorial leads to.
BEFORE = {
    "README.md": have_keys_alone,
    "docs/how-to/from-firebase-admin.md": have_a_google_account,
    "docs/how-to/from-gorush.md": have_keys_alone,
    "docs/callers.md": be_a_known_caller,
    "docs/how-to/kubernetes.md": have_a_certificate_too,
    "docs/matrix.md": run_sygnal,
    "docs/mattermost.md": run_a_mattermost_push_proxy,
    "docs/tutorials/android.md": have_a_google_account,
    "docs/tutorials/browser.md": have_a_browser,
    "docs/tutorials/iphone.md": have_an_apple_account,
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [page for page in PAGES if is_followed(page)])
def test_a_page_can_be_followed(page, reader):
    if page in BEFORE:
        BEFORE[page](reader)
    elif not any(command.startswith("fanfare simulate") for command in commands_of(page)):
        have_followed_the_first_tutorial(reader)
    assert reader.follow(ROOT / page, lambda command: elsewhere.run_elsewhere(page, command)) > 0


def test_what_is_run_elsewhere_is_run_there():
    for row in elsewhere.ROWS:
        assert any(re.fullmatch(row.commands, re.sub(" +# .*", "", command), re.DOTALL) for command in commands_of(row.page)), row
        assert row.runs in (ROOT / row.file).read_text(), row
        assert row.why


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_which_of_its_blocks_are_commands(page):
    for block in blocks((ROOT / page).read_text()):
        if block.language in ("console", "sh"):
            assert list(commands(block)), f"{page} has a block of {block.language} without a command:\n{block.text}"
        else:
            assert block.language not in ("bash", "shell"), f"{page}: {block.language} is `sh` here"
            lines = block.text.splitlines() if block.language in ("", "text") else []
            assert not [line for line in lines if line.startswith(PROGRAMS)], f"{page} has commands that nobody runs:\n{block.text}"


def sections(reference: str) -> dict[str, set[str]]:
    """The flags of each command, by the reference of the command line."""
    parts = re.split(r"^## fanfare ", reference, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", part)) for part in parts}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_command_or_flag_that_there_is_not(page):
    """Those in a sentence as well, which nobody runs."""
    known = sections((ROOT / "docs/cli.md").read_text())
    text = (ROOT / page).read_text()
    spans = re.findall(r"`([^`\n]+)`", text) + [command for block in blocks(text) for command, _ in commands(block)]
    for said in spans:
        for name, rest in re.findall(r"(?m)(?:^|[|;&(] ?|-- )fanfare ((?:import )?[a-z][\w-]*)([^|;&)\n]*)", said):
            assert name in known, f"{page}: {said}"
            flags = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", rest))
            assert flags <= known[name], f"{page}: {said}: {flags - known[name]}"


# Names of code that look like those of metrics.
CODE = {"fanfare_client", "fanfare_push", "fanfare_simulator", "fanfare_upstream"}


# What has changed its name stands in the changelog by the former one.
@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_a_page_names_no_metric_that_there_is_not(page):
    known = set(re.findall(r"`(fanfare_\w+)`", (ROOT / "docs/metrics.md").read_text())) | CODE
    named = re.findall(r"\bfanfare_[a-z][a-z_]*[a-z]", (ROOT / page).read_text())
    # A histogram has three series, none of which has its name alone.
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in named if name not in known} <= known, page


@pytest.mark.parametrize("page", [page for page in PAGES if "```toml" in (ROOT / page).read_text()])
def test_a_page_shows_settings_that_there_are(page, tmp_path):
    """What a part of a configuration needs beside it, such as its keys, is another matter."""
    for block in blocks((ROOT / page).read_text()):
        if block.language == "toml" and "[dependencies]" not in block.text:
            (tmp_path / "fanfare.toml").write_text(block.text)
            command = [os.environ["FANFARE_BIN"], "check", "--json", "--config", tmp_path / "fanfare.toml"]
            findings = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)["findings"]
            wrong = [it for it in findings if it["problem"].startswith("unknown ") or not it.get("key")]
            assert not wrong, f"{page}:\n{block.text}{wrong}"
