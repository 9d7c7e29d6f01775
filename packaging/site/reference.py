"""The pages of the reference that are made: the contract from its comments, and the configuration from its sample."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto/fanfare/push/v1/push.proto"
# Where the types of Google are described.
GOOGLE = "https://protobuf.dev/reference/protobuf/google.protobuf/#"


def contract() -> str:
    """The service first, and then what it takes and gives, in the order of the file."""
    with tempfile.TemporaryDirectory() as folder:
        plugin = {"local": "protoc-gen-doc", "out": folder, "opt": "json,contract.json"}
        template = json.dumps({"version": "v2", "plugins": [plugin]})
        subprocess.run(["buf", "generate", ".", "--template", template], cwd=ROOT, check=True)
        [file] = json.loads((Path(folder) / "contract.json").read_text())["files"]
    text = PROTO.read_text()
    maps = {it["fullName"]: it for it in file["messages"] if "." in it["longName"]}
    types = [it for it in file["messages"] + file["enums"] if it["fullName"] not in maps]
    types.sort(key=lambda it: re.search(rf"^(message|enum) {it['name']} {{", text, re.MULTILINE).start())
    known = {it["fullName"]: it["name"] for it in types}
    page = [f"# The contract\n\n{prose(file['description'])}\n\nThis page is made from [push.proto](../../{PROTO.relative_to(ROOT)}), which is its source."]
    for service in file["services"]:
        page.append(f"## {service['name']}\n\n{prose(service['description'])}")
        for it in service["methods"]:
            takes = ("a stream of " if it["requestStreaming"] else "") + link(it["requestFullType"], known)
            gives = ("a stream of " if it["responseStreaming"] else "") + link(it["responseFullType"], known)
            page.append(f"### {it['name']}\n\nTakes {takes}, and gives {gives}.\n\n{prose(it['description'])}")
    for it in types:
        members, first = (it["values"], "value") if "values" in it else (it["fields"], "field")
        rows = [f"| `{member['name']}` | {kind(member, known, maps)} | {cell(member['description'])} |" for member in members]
        second = "number" if "values" in it else "type"
        page.append(f"## {it['name']}\n\n{prose(it['description'])}\n\n| {first} | {second} | |\n|---|---|---|\n" + "\n".join(rows))
    return "\n\n".join(page) + "\n"


def kind(member: dict, known: dict[str, str], maps: dict[str, dict]) -> str:
    if "number" in member:
        return member["number"]
    if member["ismap"]:
        key, value = maps[member["fullType"]]["fields"]
        return f"map of {link(key['fullType'], known)} to {link(value['fullType'], known)}"
    # What may be absent is said by its comment.
    label = "repeated " if member["label"] == "repeated" else ""
    choice = f", one of `{member['oneofdecl']}`" if member["isoneof"] and not member["oneofdecl"].startswith("_") else ""
    return label + link(member["fullType"], known) + choice


def link(full: str, known: dict[str, str]) -> str:
    name = full.rpartition(".")[2]
    if full in known:
        return f"[{name}](#{name.lower()})"
    return f"[{name}]({GOOGLE}{name.lower()})" if full.startswith("google.protobuf.") else f"`{name}`"


def prose(comment: str) -> str:
    """A comment as text. What is indented in it is a table, whose columns stay where they are."""
    parts = re.split(r"((?:^ {2,}.*\n?)+)", comment, flags=re.MULTILINE)
    return "".join(f"```text\n{part.rstrip()}\n```\n" if part.startswith("  ") else part for part in parts)


def cell(comment: str) -> str:
    """A comment in a cell of a table, which ends with its line."""
    return re.sub(r"\s*\n\n\s*", "<br><br>", comment.strip()).replace("\n", " ").replace("|", "\\|")


def configuration() -> str:
    """The sample, with a heading for each kind of table."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for block in (ROOT / "examples/fanfare.toml").read_text().strip().split("\n\n"):
        named = re.search(r"^#?\[+(\w+)", block, re.MULTILINE)
        if named and named[1] != sections[-1][0]:
            sections.append((named[1], []))
        sections[-1][1].append(block)
    page = "# The configuration\n\nEvery setting, with its default. A test compares this page with the program.\n"
    for name, blocks in sections:
        page += (f"\n## {name}\n" if name else "") + "\n```toml\n" + "\n\n".join(map(narrow, blocks)) + "\n```\n"
    return page


def narrow(block: str) -> str:
    """A block whose comments have lines that the page has room for."""

    def fill(comment: re.Match) -> str:
        words = re.sub(r"\n?^# ", " ", comment[0], flags=re.MULTILINE)
        return textwrap.fill(words.strip(), 96, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)

    return re.sub(r"^# .*(?:\n# .*)*", fill, block, flags=re.MULTILINE)
