"""Writes the dashboards beside this file: python3 deploy/grafana/make.py"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import overview
import upstream


def dashboards() -> dict[str, str]:
    """The text of each dashboard by the name of its file."""
    made = {"fanfare-overview.json": overview.made(), "fanfare-upstream.json": upstream.made()}
    return {name: json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n" for name, dashboard in made.items()}


if __name__ == "__main__":
    for name, text in dashboards().items():
        (Path(__file__).parent / name).write_text(text)
