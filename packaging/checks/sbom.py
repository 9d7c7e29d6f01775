"""Judges a bill of materials: python3 packaging/checks/sbom.py FILE

It has to be CycloneDX by the schema of those who publish it, and to name each crate that `cargo tree`, which reads the graph in its
own way, finds in the program, with its version and a licence, and no other. Needs cyclonedx-python-lib[json-validation].
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

# "name v1.2.3", and for a crate of this repository its folder behind that.
LINE = re.compile(r"(\S+) v(\S+)")


def main(file: Path) -> None:
    text = file.read_text()
    for error in JsonStrictValidator(SchemaVersion.V1_5).validate_str(text, all_errors=True) or ():
        sys.exit(f"{file} is no CycloneDX 1.5: {error}")
    bill = json.loads(text)
    named = {(it["name"], it["version"]): it for it in [*bill["components"], bill["metadata"]["component"]]}
    unlicensed = [f"{name} {version}" for (name, version), it in named.items() if not it.get("licenses")]
    tree = "cargo tree --locked --offline --package fanfare --edges normal,no-proc-macro --prefix none --format {p}".split()
    lines = subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()
    built = {LINE.match(line).groups() for line in lines if line}
    if unlicensed or built != named.keys():
        sys.exit(f"not named: {built - named.keys()}; not built in: {named.keys() - built}; without a licence: {unlicensed}")
    print(f"the bill names all {len(named)} crates of the program with their licences")


main(Path(sys.argv[1]))
