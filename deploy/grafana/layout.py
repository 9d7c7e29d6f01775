"""Makes the JSON of a Grafana dashboard of rows of panels."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# A version of the format that Grafana has read since 10.4 and still migrates from.
SCHEMA = 39
COLUMNS = 24
HEIGHT = 8


def runbook(page: str) -> str:
    return f"Runbook: [{page}](${{runbooks}}/{page}.md)."


def panel(title: str, description: str, unit: str, *queries: tuple[str, str], width: int = 8, kind: str = "timeseries", **custom):
    """A panel whose queries are pairs of an expression and the legend of its series."""
    targets = [
        {"refId": chr(ord("A") + number), "datasource": DATASOURCE, "expr": expr, "legendFormat": legend}
        for number, (expr, legend) in enumerate(queries)
    ]
    defaults = {"unit": unit}
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "timeseries":
        defaults |= {"min": 0, "custom": {"drawStyle": "line", "fillOpacity": 10, "showPoints": "never", **custom}}
    elif kind == "stat":
        # Colour comes with the words of a threshold: 0 is well.
        steps = [{"color": "green", "value": None}, *custom.get("steps", [])]
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}}
        options = {"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    elif kind == "table":
        options = {"showHeader": True}
        for target in targets:
            target |= {"format": "table", "instant": True}
    made = {
        "type": kind, "title": title, "description": description, "datasource": DATASOURCE, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
        "gridPos": {"w": width, "h": custom.get("height", HEIGHT)},
    }
    if kind == "table":
        hidden = {name: True for name in ("Time", "Value", "__name__", "alertstate")}
        made["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden}}]
    return made


def variable(name: str, label: str, query: str) -> dict:
    return {
        "name": name, "label": label, "type": "query", "datasource": DATASOURCE, "query": {"query": query, "refId": name},
        "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard(uid: str, title: str, description: str, other: tuple[str, str], variables: list[dict], rows: dict[str, list[dict]]):
    """Puts the panels of each row beside each other, and into the next line where there is no room."""
    panels, top = [], 0
    for row, of_row in rows.items():
        panels.append({
            "id": len(panels) + 1, "type": "row", "title": row, "collapsed": False, "panels": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        })
        top, left, height = top + 1, 0, 0
        for made in of_row:
            place = made["gridPos"]
            if left + place["w"] > COLUMNS:
                top, left, height = top + height, 0, 0
            panels.append({"id": len(panels) + 1, **made, "gridPos": {"x": left, "y": top, **place}})
            left, height = left + place["w"], max(height, place["h"])
        top += height
    datasource = {
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
        "current": {"text": "default", "value": "default"},
    }
    runbooks = {
        "name": "runbooks", "label": "Runbooks", "type": "textbox", "query": "docs/runbooks",
        "current": {"text": "docs/runbooks", "value": "docs/runbooks"},
        "description": "Where the pages of docs/runbooks can be read.",
    }
    return {
        "uid": uid, "title": title, "description": description, "tags": ["fanfare"], "schemaVersion": SCHEMA, "editable": True,
        "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser", "graphTooltip": 1,
        "links": [{
            "type": "link", "title": other[1], "url": f"/d/{other[0]}", "keepTime": True, "includeVars": True,
        }],
        "templating": {"list": [datasource, *variables, runbooks]},
        "annotations": {"list": []},
        "panels": panels,
    }
