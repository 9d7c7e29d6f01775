"""Judges a bill of materials: python3 packaging/checks/sbom.py FILE PROGRAM

It has to be CycloneDX by the schema of those who publish it. Each crate has a licence, and each one whose files the program names,
such as where it would panic, is in the bill with its version. Needs cyclonedx-python-lib[json-validation].
"""

import json
import re
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

# Where cargo keeps the source of a crate.
SOURCE = re.compile(rb"registry/src/[^/\0]+/([A-Za-z0-9_-]+?)-(\d+\.\d+\.\d+[^/\0]*)/")


def main(file: Path, program: Path) -> None:
    text = file.read_text()
    for error in JsonStrictValidator(SchemaVersion.V1_5).validate_str(text, all_errors=True) or ():
        sys.exit(f"{file} is no CycloneDX 1.5: {error}")
    bill = json.loads(text)
    named = {(it["name"], it["version"]): it for it in [*bill["components"], bill["metadata"]["component"]]}
    unlicensed = [f"{name} {version}" for (name, version), it in named.items() if not it.get("licenses")]
    seen = {(name.decode(), version.decode()) for name, version in SOURCE.findall(program.read_bytes())}
    if unlicensed or not seen or seen - named.keys():
        sys.exit(f"without a licence: {unlicensed}; in the program and not in the bill: {seen - named.keys()}")
    print(f"the bill names {len(named)} crates with their licences, and all {len(seen)} that the program shows")


main(Path(sys.argv[1]), Path(sys.argv[2]))
