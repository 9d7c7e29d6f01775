"""The metrics page, read by Prometheus' own parsers."""

import os
import subprocess

import pytest
from conftest import DEAD, GOOD
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def test_every_verdict_is_counted(send, metric):
    def count(outcome):
        return metric("fanfare_pushes_total", app="demo", provider="apns", outcome=outcome)

    before = count("accepted"), count("unregistered")
    send(token=GOOD)
    send(token=DEAD)
    assert (count("accepted"), count("unregistered")) == (before[0] + 1, before[1] + 1)


def test_the_page_is_openmetrics(send, metrics_page):
    send()
    page = metrics_page()
    assert page.endswith("# EOF\n")
    families = list(text_string_to_metric_families(page))
    assert all(family.name.startswith(("fanfare_", "process_")) and family.documentation for family in families)


def test_no_token_is_on_the_page(send, metrics_page):
    send(token=GOOD)
    assert GOOD[:8] not in metrics_page()


def test_promtool_has_nothing_to_say(metrics_page):
    promtool = os.environ.get("PROMTOOL")
    if not promtool:
        pytest.skip("PROMTOOL names no promtool")
    check = subprocess.run(
        [promtool, "check", "metrics"], input=metrics_page(), capture_output=True, text=True, timeout=30,
    )
    # promtool reads the older text format, where a counter's help has the name with `_total`.
    complaints = [line for line in check.stderr.splitlines() if not line.endswith("_total no help text")]
    assert complaints == []
