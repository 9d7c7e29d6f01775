"""Writes a CycloneDX bill of what is compiled into the binary: python3 packaging/sbom.py SECONDS

It has each crate that `cargo tree` finds by normal dependencies, for this machine's platform: not those of tests and builds, and no
procedural macros, which are run by the compiler. `cargo metadata` says more of each, but finds also what only the features of tests
bring. SECONDS is the time that it tells, since 1970.

Source: CycloneDX 1.5, JSON reference. https://cyclonedx.org/docs/1.5/json/
"""

import datetime
import json
import subprocess
import sys
import tomllib
import uuid


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def built_in() -> set[tuple[str, str]]:
    """The names and versions of what is compiled into the program."""
    lines = run(*"cargo tree --locked --package fanfare --edges normal,no-proc-macro --prefix none --format {p}".split())
    # "name v1.2.3", and for a crate of this repository its folder behind that.
    return {(line.split()[0], line.split()[1].removeprefix("v")) for line in lines.splitlines() if line}


def main(seconds: int) -> None:
    host = next(line for line in run("rustc", "-vV").splitlines() if line.startswith("host: ")).removeprefix("host: ")
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host))
    packages = {package["id"]: package for package in metadata["packages"]}
    with open("Cargo.lock", "rb") as file:
        locked = {(it["name"], it["version"]): it.get("checksum") for it in tomllib.load(file)["package"]}
    root = next(it["id"] for it in metadata["packages"] if it["name"] == "fanfare")
    built = built_in()
    needed = {
        node["id"]: [it["pkg"] for it in node["deps"] if any(kind["kind"] is None for kind in it["dep_kinds"])]
        for node in metadata["resolve"]["nodes"]
        if (packages[node["id"]]["name"], packages[node["id"]]["version"]) in built
    }

    def reference(package_id: str) -> str:
        package = packages[package_id]
        return f"pkg:cargo/{package['name']}@{package['version']}"

    def component(package_id: str) -> dict:
        package = packages[package_id]
        found = {
            "type": "application" if package_id == root else "library",
            "bom-ref": reference(package_id),
            "name": package["name"],
            "version": package["version"],
            "purl": reference(package_id),
        }
        if package["license"]:
            # Crates of before 2016 write a slash for OR, which SPDX has not.
            found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        checksum = locked.get((package["name"], package["version"]))
        if checksum:
            found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return found

    components = sorted((component(it) for it in needed if it != root), key=lambda it: it["bom-ref"])
    dependencies = [
        {"ref": reference(it), "dependsOn": sorted(reference(other) for other in others if other in needed)}
        for it, others in needed.items()
    ]
    time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": component(root)},
        "components": components,
        "dependencies": sorted(dependencies, key=lambda it: it["ref"]),
    }
    # The same bill has the same number.
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))
    print(json.dumps({**bill, "serialNumber": f"urn:uuid:{number}"}, indent=1))


main(int(sys.argv[1]))
