"""What a page of docs/runbooks has its reader look at: queries of Prometheus, lines of the log, sentences of the status, commands."""

import re

from outages.prometheus import ROOT

FOLDER = ROOT / "docs/runbooks"
PAGES = sorted(page.name for page in FOLDER.glob("*.md") if page.name != "README.md")

# What these count or tell of happens in none of the nine outages.
EMPTY = {"fanfare_certificate_expiry_timestamp_seconds", "fanfare_feed_events_total"}

# What each command is to tell where an alert has led to its page.
TELLS = {"fanfare check --online": "not reached", "fanfare check": "grpc.tls"}


def read(page: str) -> str:
    return (FOLDER / page).read_text()


def code(page: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", read(page))


def queries(page: str) -> list[str]:
    """Its queries, about any app, caller or provider where the reader writes one for the dots."""
    return [re.sub(r'="…"', '=~".+"', said) for said in code(page) if re.search(r"\bfanfare_\w+", said)]


def commands(page: str) -> list[str]:
    return [said for said in code(page) if said.startswith("fanfare ")]


def log_lines(page: str) -> list[tuple[str, str]]:
    """The level of each line that it names, and how its message begins."""
    return [(level, said.rstrip("… ")) for level, said in re.findall(r'The (\w+) line "([^"]+)"', read(page))]


def sentences(page: str) -> list[str]:
    """The sentences that the status is to have, as regular expressions: names, numbers and moments are examples."""
    found = []
    lines = [line for line in read(page).splitlines() if "has the sentence:" in line]
    for said in re.findall(r'"([^"]+)"', "".join(lines)):
        parts = re.split(r"(\d\d:\d\d|\b\d+\b|ABC123DEFG|…)", said)
        examples = (".*" if part == "…" else r"[\w.:]+" for part in parts[1::2])
        found.append("".join(re.escape(text) + next(examples, "") for text in parts[::2]))
    return found
