"""Writes a CycloneDX bill of what is compiled into the binary: python3 packaging/sbom.py SECONDS

It has each crate that `cargo metadata` finds on the way of normal dependencies, for this machine's platform: not those of tests
and builds, and no procedural macros, which are run by the compiler. SECONDS is the time that it tells, since 1970.

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


def is_macro(package: dict) -> bool:
    return any("proc-macro" in target["kind"] for target in package["targets"])


def compiled(metadata: dict, root: str) -> dict[str, list[str]]:
    """The packages that are compiled into `root`, by id, with those that each needs."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    needed, open_ids = {}, [root]
    while open_ids:
        at = open_ids.pop()
        if at in needed:
            continue
        normal = [
            dependency["pkg"]
            for dependency in nodes[at]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        ]
        needed[at] = sorted(it for it in normal if not is_macro(packages[it]))
        open_ids += needed[at]
    return needed


def main(seconds: int) -> None:
    host = next(line for line in run("rustc", "-vV").splitlines() if line.startswith("host: ")).removeprefix("host: ")
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host))
    packages = {package["id"]: package for package in metadata["packages"]}
    with open("Cargo.lock", "rb") as file:
        locked = {(it["name"], it["version"]): it.get("checksum") for it in tomllib.load(file)["package"]}
    root = next(it["id"] for it in metadata["packages"] if it["name"] == "fanfare")
    needed = compiled(metadata, root)

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
        {"ref": reference(it), "dependsOn": sorted(reference(other) for other in others)}
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
