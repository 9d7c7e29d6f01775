"""The dashboards of deploy/grafana, as Grafana would read them."""

import json
import re
import runpy
from collections.abc import Iterator

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from outages.prometheus import ROOT

FOLDER = ROOT / "deploy/grafana"
NAMES = ["fanfare-overview.json", "fanfare-upstream.json"]

# What Grafana itself gives a value. Source: Grafana, "Global variables".
BUILT_IN = {"__rate_interval", "__all"}

# What happens in none of the nine outages, so that there is nothing to show.
EMPTY = {"HTTP calls by status", "Sent again, by cause", "Not tried again"}


def made() -> dict[str, str]:
    """What the generator writes."""
    return runpy.run_path(str(FOLDER / "make.py"))["dashboards"]()


def read(name: str) -> dict:
    return json.loads((FOLDER / name).read_text())


def panels(dashboard: dict) -> Iterator[dict]:
    """The panels that show something, which the titles of rows do not."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def overlap(one: dict, other: dict) -> bool:
    return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h")))


def variables_used(text: str) -> set[str]:
    return {braced or plain for braced, plain in re.findall(r"\$(?:\{(\w+)\}|(\w+))", text)} - BUILT_IN


def filled(expression: str) -> str:
    """An expression with "All" for each variable."""
    return re.sub(r"\$\w+", lambda it: "30s" if it[0] == "$__rate_interval" else ".*", expression)


def labels_shown(legend: str) -> set[str]:
    return set(re.findall(r"\{\{(\w+)\}\}", legend))


def as_grafana_keeps_it(dashboard: dict) -> dict:
    """A dashboard after Grafana's own types have read it: they drop what they do not know."""
    plugins.register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


def dropped(given: object, kept: object, at: str = "dashboard") -> list[str]:
    """Where something that was given is gone, or is something else."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [it for key in given for it in dropped(given[key], kept.get(key), f"{at}.{key}")]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        pairs = enumerate(zip(given, kept, strict=True))
        return [it for number, (one, other) in pairs for it in dropped(one, other, f"{at}[{number}]")]
    return [] if given == kept else [f"{at}: {given!r}, {kept!r}"]
