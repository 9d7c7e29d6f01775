"""Nine outages at once, each on a gateway of its own: what its person on call is told by the log, by the status, by the alerts of
Prometheus, and by the page that these lead to. Nothing else may be told, since a wrong alert wakes somebody as well."""

import itertools
import json
import os
import re
import subprocess

import pytest
from outages import dashboards, runbooks
from outages.prometheus import ROOT
from outages.scenarios import OUTAGES
from outages.world import World

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("PROMETHEUS" not in os.environ, reason="PROMETHEUS names no Prometheus"),
]

PARTS = ["## What it means", "## How to confirm it", "## What to do"]


@pytest.fixture(autouse=True)
def well():
    """These tests have gateways of their own, so they do not wait for the one of the others."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("outages"))
    try:
        world.start()
        world.happen()
        world.watch()
        yield world
    finally:
        world.end()


of_each_page = pytest.mark.parametrize("page", runbooks.PAGES)
of_each = pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.name)


@of_each
def test_the_log_has_its_line(world, outage):
    level, message, fields = outage.line
    lines = [line for line in world.gateways[outage.name].lines() if line["fields"]["message"].startswith(message)]
    assert lines, "no such line"
    assert {line["level"] for line in lines} == {level}
    assert any(fields.items() <= line["fields"].items() for line in lines), lines
    # An outage is told once, and what auditors read at most a hundred times a minute: never once for each push.
    assert len(lines) <= (1 if level == "ERROR" else 100), len(lines)


@of_each
def test_the_status_says_what_whose_fault_since_when_and_what_to_do(world, outage):
    found = world.found(outage)
    told = found if outage.where[0] == "apps" else found["trouble"]
    print(f"{outage.name}: {told['sentence']} [fault: {told['fault']}] {told['remedy']}")
    assert re.fullmatch(outage.sentence, told["sentence"]), told["sentence"]
    assert told["fault"] == outage.fault
    assert told["remedy"].startswith(outage.remedy), told["remedy"]
    assert told["since"] <= world.gateways[outage.name].status()["now"]


def test_the_certificate_of_a_listener_is_told_of_before_it_ends(world):
    gateway = world.gateways["expired_certificate"]
    [told] = [it["trouble"] for it in gateway.status()["credentials"] if it["trouble"]]
    sentence = r"The certificate of listener grpc ends at \d{4}-\d\d-\d\d \d\d:\d\d UTC\. Then whoever verifies it cannot connect\."
    assert re.fullmatch(sentence, told["sentence"]), told
    assert told["fault"] == "operator" and told["remedy"].startswith("Replace its file with a newer certificate.")
    message = "the listener's certificate ends within 30 days: replace it"
    [line] = [line for line in gateway.lines() if line["fields"]["message"] == message]
    assert (line["level"], line["fields"]["listener"]) == ("WARN", "grpc")


@of_each
def test_the_gateway_stays_ready(world, outage):
    code, body = world.gateways[outage.name].get("/readyz")
    assert (code, body.splitlines()[0]) == (200, "ready")
    if outage.where[0] == "apps" and (told := world.found(outage))["health"] == "failing":
        # What changes from one moment to the next is told anew.
        assert f"{told['app']}, {told['provider']}: " in body and told["remedy"] in body, body


@of_each
def test_its_alerts_fire_and_no_other(world, outage):
    fired = world.fired[outage.name]
    assert fired.keys() == outage.alerts.keys()
    for name, labels in outage.alerts.items():
        labels = {key: value.replace("{production}", world.origins[outage.name]) for key, value in labels.items()}
        assert labels.items() <= fired[name]["labels"].items(), fired[name]
        assert "<no value>" not in str(fired[name]["annotations"]), fired[name]


@of_each
def test_each_alert_leads_to_a_page_of_three_parts(world, outage):
    for name, alert in world.fired[outage.name].items():
        page = (ROOT / alert["annotations"]["runbook"]).read_text()
        assert f"`{name}`" in page
        assert [line for line in page.splitlines() if line.startswith("## ")] == PARTS


def led_to(world, page):
    """The outages whose alerts lead to a page."""
    return [it for it in OUTAGES if any(alert["annotations"]["runbook"].endswith(f"/{page}") for alert in world.fired[it.name].values())]


@of_each_page
def test_each_query_of_a_page_is_answered(world, page):
    for query in runbooks.queries(page):
        assert world.prometheus.query(query) or query in runbooks.EMPTY, query


@of_each_page
def test_a_page_quotes_log_and_status_as_they_are(world, page):
    outages, known = led_to(world, page), (ROOT / "docs/log.md").read_text()
    lines = [line for it in outages for line in world.gateways[it.name].lines()]
    told = [entry["sentence"] for it in outages for entry in world.sentences(it)]
    for level, begins in runbooks.log_lines(page):
        assert begins in known, begins
        if outages:
            assert any(line["level"] == level and line["fields"]["message"].startswith(begins) for line in lines), begins
    for sentence in runbooks.sentences(page) if outages else []:
        assert any(re.match(sentence, it) for it in told), (sentence, told)


@of_each_page
def test_each_command_of_a_page_tells_of_the_outage(world, page):
    for command, outage in itertools.product(runbooks.commands(page), led_to(world, page)):
        gateway = world.gateways[outage.name]
        ran = subprocess.run(
            ["bash", "-c", command.replace("fanfare", os.environ["FANFARE_BIN"], 1)], capture_output=True, text=True, timeout=60,
            env=os.environ | gateway.environment | {"FANFARE_CONFIG": str(gateway.config)},
        )
        assert ran.returncode in (0, 1) and runbooks.TELLS[command] in ran.stdout, (outage.name, command, ran)


def test_each_panel_of_the_dashboards_shows_what_there_is(world):
    empty = set()
    for name in dashboards.NAMES:
        for panel in dashboards.panels(dashboards.read(name)):
            shown = [(it, world.prometheus.query(dashboards.filled(it["expr"]))) for it in panel["targets"]]
            for target, series in shown:
                # Prometheus takes a label without a value, as that of a peer which all share, for none.
                known = {label for it in series for label in it["metric"]}
                assert not series or dashboards.labels_shown(target["legendFormat"]) <= known, (panel["title"], series)
            if not any(series for _, series in shown):
                empty.add(panel["title"])
    assert empty <= dashboards.EMPTY


@pytest.mark.parametrize("name", dashboards.NAMES)
def test_a_dashboard_is_whole(name):
    assert dashboards.made()[name] == (dashboards.FOLDER / name).read_text(), "run deploy/grafana/make.py"
    dashboard = dashboards.read(name)
    assert dashboards.dropped(dashboard, dashboards.as_grafana_keeps_it(dashboard)) == []
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for one, other in itertools.combinations(dashboard["panels"], 2):
        assert not dashboards.overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in dashboard["panels"])
    for panel in dashboards.panels(dashboard):
        assert panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"], panel
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for page in re.findall(r"\(\$\{runbooks\}/(.+?)\)", panel["description"]):
            assert (ROOT / "docs/runbooks" / page).exists(), page
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert dashboards.variables_used(str(dashboard)) == defined


def test_promtool_takes_the_rules_and_their_tests():
    promtool = os.environ.get("PROMTOOL")
    if not promtool:
        pytest.skip("PROMTOOL names no promtool")
    folder = ROOT / "deploy/prometheus"
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        subprocess.run([promtool, *command], cwd=folder, check=True, timeout=60)
    # Each alert has a case in which it fires, and one in which it does not.
    cases = (folder / "alerts_test.yml").read_text()
    for alert in re.findall(r"alert: (\w+)", (folder / "alerts.yml").read_text()):
        assert f"alertname: {alert}}}" in cases, f"{alert} has no case in which it does not fire"
        assert f"alertname: {alert}\n        exp_alerts:" in cases, f"{alert} has no case in which it fires"


def test_the_index_of_runbooks_has_severity_and_fault_in_the_words_of_the_status():
    rules = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    index = (ROOT / "docs/runbooks/README.md").read_text()
    schema = json.loads((ROOT / "docs/status.schema.json").read_text())
    words = {*schema["$defs"]["trouble"]["properties"]["fault"]["enum"], "unknown"}
    alerts = re.findall(r"alert: (\w+)\n[^#]*?labels: \{severity: (\w+), fault: (\w+)\}", rules)
    assert len(alerts) == rules.count("- alert: ")
    for name, severity, fault in alerts:
        assert f"| `{name}` | {severity} | {fault} |" in index, name
        assert fault in words, name
