"""Checks manifests that the chart rendered: chart.py BINARY FILE.

What they promise holds: the grace period is long enough for the drain, no shell stands in the way, secrets are files that not
everybody reads, and the configuration is one that the gateway takes.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

binary, file = sys.argv[1:]
objects = [it for it in yaml.safe_load_all(pathlib.Path(file).read_text()) if it]
of = {}
for it in objects:
    of.setdefault(it["kind"], []).append(it)

[deployment] = of["Deployment"]
pod = deployment["spec"]["template"]["spec"]
[container] = pod["containers"]
env = {it["name"]: it["value"] for it in container["env"]}
seconds = lambda name: int(env[name].removesuffix("s"))

needed = seconds("FANFARE__LIMITS__DRAIN_DELAY") + seconds("FANFARE__LIMITS__DRAIN_TIMEOUT") + 5
assert pod["terminationGracePeriodSeconds"] >= needed, (pod["terminationGracePeriodSeconds"], needed)
assert "lifecycle" not in container, "a hook needs a shell, which the image has not"
assert "Secret" not in of, "the chart has no values of secrets"
assert deployment["spec"]["minReadySeconds"] >= 30, "a gateway leaves before callers have found its successor"
assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
paths = {probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}, paths
assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["fsGroup"] == 65532
assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
assert container["securityContext"] == {
    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
}
[volume] = pod["volumes"]
assert volume["projected"]["defaultMode"] == 0o440, volume
labels = deployment["spec"]["template"]["metadata"]["labels"]
selectors = [it["spec"]["selector"] for it in of["Service"]]
selectors += [it["spec"]["selector"]["matchLabels"] for it in of.get("PodDisruptionBudget", []) + [deployment]]
assert all(selector.items() <= labels.items() for selector in selectors), (selectors, labels)

# The configuration, with keys as the secrets would hold them.
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    (folder / "fanfare.toml").write_text(of["ConfigMap"][0]["data"]["fanfare.toml"])
    openssl = lambda *words: subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "AuthKey.p8")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=gateway",
            "-addext", "subjectAltName=DNS:gateway", "-keyout", "tls.key", "-out", "tls.crt")
    for name in ("AuthKey.p8", "tls.key"):
        (folder / name).chmod(0o440)
    check = [binary, "check", "--config", str(folder / "fanfare.toml")]
    subprocess.run(check, env=os.environ | env, check=True, stdout=subprocess.DEVNULL)

print(f"{file}: {len(objects)} objects are as they should be")
