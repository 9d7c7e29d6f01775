"""Runs Debian's Prometheus with the alert rules of deploy/."""

import json
import os
import re
import socket
import subprocess
import urllib.parse
from pathlib import Path

from outages.processes import ask, until

ROOT = Path(__file__).parents[4]
RULES = ROOT / "deploy/prometheus/alerts.yml"


def shortened(rules: str) -> str:
    """The rules with a second for each minute: in `for: 5m` and in the range `[5m]`. Nothing else of them is changed."""
    rules = re.sub(r"(?m)^(\s*for: \d+)m$", r"\1s", rules)
    rules = re.sub(r"\[(\d+)m\]", r"[\1s]", rules)
    left = re.findall(r"(?m)^\s*for: .*[^s]$|\[\d+[^s]\]", rules)
    assert not left, f"a duration that is not in minutes: {left}"
    return rules


class Prometheus:
    def __init__(self, folder: Path, targets: dict[str, str]):
        """Scrapes each of these targets each second as a job of its own, and evaluates the rules as often."""
        folder.mkdir()
        (folder / "alerts.yml").write_text(shortened(RULES.read_text()))
        jobs = [{"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()]
        every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        # JSON is YAML.
        config = {"global": every, "rule_files": ["alerts.yml"], "scrape_configs": jobs}
        (folder / "prometheus.yml").write_text(json.dumps(config))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        command = [
            os.environ["PROMETHEUS"], f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}", "--log.level=warn",
        ]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def await_start(self) -> None:
        until(self.is_ready, "a Prometheus that is ready")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return ask(f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False

    def get(self, path: str, **parameters: str) -> object:
        answer = json.loads(ask(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")[1])
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict]:
        return self.get("query", query=expression)["result"]

    def alerts(self) -> list[dict]:
        """Those that fire now."""
        return [alert for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"]

    def evaluations(self) -> int:
        """How often it has evaluated the rules."""
        page = ask(f"{self.url}/metrics")[1]
        [times] = re.findall(r"(?m)^prometheus_rule_group_iterations_total\{.*\} (\S+)$", page)
        return int(float(times))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
