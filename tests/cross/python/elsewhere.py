"""The commands of pages that cannot run as they stand there: what runs in place of each, and why."""

from __future__ import annotations

import re
from typing import NamedTuple


class Elsewhere(NamedTuple):
    # Commands of this page that are wholly this regular expression.
    page: str
    commands: str
    # What runs the same, or its like, and the text by which one finds it there.
    file: str
    runs: str
    why: str


CLIENTS = "the client is built first, and its README is followed with a copy of it from elsewhere"

ROWS = [
    Elsewhere("README.md", "cargo run --release -- demo", ".ci/run", "cargo run --release -- demo", "it is built for a minute"),
    Elsewhere("README.md", "cargo test", ".ci/run", "cargo test", "it takes minutes"),
    Elsewhere("README.md", "pip install grpcio .*", "tests/cross/python/requirements.txt", "grpcio-tools", "versions are pinned"),
    Elsewhere("README.md", "python -m grpc_tools.protoc .*", "tests/cross/python/test_readme.py", "grpc_tools.protoc",
              "it needs that environment, and the clone"),
    Elsewhere("CONTRIBUTING.md", "cargo test|cargo run .*", ".ci/run", "cargo test", "it takes minutes"),
    Elsewhere("CONTRIBUTING.md", "FANFARE_FULL=1 .*", "tests/end_to_end/harness.rs", "FANFARE_FULL", "the full size takes long"),
    Elsewhere("CONTRIBUTING.md", "cargo test --.*chaos .*", ".ci/run", "--test chaos -- --pushes 20000", "it takes minutes"),
    Elsewhere("CONTRIBUTING.md", "buf build .*", "packaging/release", "buf build --exclude-source-info -o", "a release does it"),
    Elsewhere("clients/go/README.md", ".*", "clients/go/check", "reader.py", CLIENTS),
    Elsewhere("clients/java/README.md", ".*", "clients/java/check", "reader.py", CLIENTS),
    Elsewhere("clients/python/README.md", ".*", "clients/python/check", "reader.py", CLIENTS),
    Elsewhere("clients/rust/README.md", ".*", "clients/rust/check", "reader.py", CLIENTS),
    Elsewhere("clients/typescript/README.md", ".*", "clients/typescript/check", "reader.py", CLIENTS),
    Elsewhere("crates/upstream/fuzz/README.md", "cargo .*", "crates/upstream/src/http2/engine/tests/corpus.rs", "corpus",
              "it needs a nightly compiler and hours; a test replays what was found"),
    Elsewhere("docs/deploying.md", ".*packaging/deb/build.*", "packaging/checks/run", "packaging/deb/build", "it needs lintian"),
    Elsewhere("docs/deploying.md", "apt install ./.*", "packaging/checks/booted/check", "dpkg --install", "root, in a copy"),
    Elsewhere("docs/deploying.md", ".*packaging/release .*", "packaging/checks/run", "packaging/release", "a release binary"),
    Elsewhere("docs/deploying.md", ".*SHA256SUMS.*", "packaging/checks/run", "sha256sum --check", "a release binary"),
    Elsewhere("docs/deploying.md", ".*musl.*", "docs/deploying.md", "CI does not run it", "a build of ten minutes; the page says so"),
    Elsewhere("docs/deploying.md", "install .*|systemd-sysusers", "packaging/deb/build", "packaging/systemd/fanfare.sysusers",
              "root; the package has the same files"),
    Elsewhere("docs/deploying.md", "runuser .*", "packaging/checks/booted/check", "runuser -u fanfare -- fanfare check", "root"),
    Elsewhere("docs/deploying.md", "systemctl .*", "packaging/checks/booted/check", "systemctl reload fanfare", "root"),
    Elsewhere("docs/deploying.md", "docker build .*", "packaging/checks/image/run", "Dockerfile",
              "no container engine; what the image has is run as one would"),
    Elsewhere("docs/deploying.md", "helm .*", "packaging/checks/run", "helm template fanfare", "no cluster; it is rendered"),
    Elsewhere("docs/how-to/test-in-go.md", ".*", "clients/go/check", "docs/how-to/test-in-go.md", CLIENTS),
    Elsewhere("docs/how-to/test-in-java.md", ".*", "clients/java/check", "docs/how-to/test-in-java.md", CLIENTS),
    Elsewhere("docs/how-to/test-in-node.md", ".*", "clients/typescript/check", "docs/how-to/test-in-node.md", CLIENTS),
    Elsewhere("docs/how-to/test-in-python.md", ".*", "clients/python/check", "docs/how-to/test-in-python.md", CLIENTS),
    Elsewhere("docs/how-to/kubernetes.md", "docker .*", "packaging/checks/image/run", "Dockerfile",
              "no container engine; what the image has is run as one would"),
    Elsewhere("docs/how-to/kubernetes.md", "helm install .*", "packaging/checks/run", "--set-file config=", "no cluster; it is rendered"),
    Elsewhere("docs/how-to/kubernetes.md", "kubectl create secret .*", "packaging/checks/chart.py", "tls.crt",
              "no cluster; the chart's configuration is checked with such files"),
    Elsewhere("docs/how-to/kubernetes.md", "kubectl (rollout|port-forward) .*", "packaging/checks/manifests/main.go", "Reads Kubernetes manifests",
              "no cluster; the manifests are read by the types of Kubernetes"),
    Elsewhere("docs/how-to/kubernetes.md", "fanfare top .*", "tests/end_to_end/status/top.rs", '"top"', "it needs a terminal"),
    Elsewhere("docs/json.md", ".*", "tests/end_to_end/json/page.rs", "docs/json.md", "each answer is compared as JSON"),
    Elsewhere("docs/performance.md", "cargo bench .*", ".ci/run", "cargo bench --locked --bench wire -- --brief", "minutes"),
    Elsewhere("docs/simulator.md", ".*", "tests/end_to_end/simulator_page.rs", "docs/simulator.md", "it needs no gateway"),
    Elsewhere("docs/top.md", "fanfare top", "tests/end_to_end/status/top.rs", '"top"', "it needs a terminal"),
    Elsewhere("docs/top.md", "ssh .*", "tests/end_to_end/status/top.rs", '"top"', "no other machine"),
    Elsewhere("docs/top.md", "fanfare top https:.*", "tests/end_to_end/tls_commands/mod.rs", "--token-file",
              "it needs a terminal; the flags are those of all commands"),
    Elsewhere("examples/testing/README.md", "node fanfare-simulator.mjs .*", "tests/clients/node/package.json",
              "fanfare-simulator.mjs --san fcm.googleapis.com", "it needs the packages of that test"),
]


def run_elsewhere(page: str, command: str) -> bool:
    # What stands behind a `#` says what a command does.
    command = re.sub(r" +# .*", "", command)
    return any(row.page == page and re.fullmatch(row.commands, command, re.DOTALL) for row in ROWS)
