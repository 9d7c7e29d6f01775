"""Says which crate lacks what: python3 packaging/crates.py DEP_INFO FOLDER

DEP_INFO is what cargo writes beside a program: all files that it was built from. FOLDER has the crates that were made. Each file of
the repository has to be in the crate of its package, as do licences and a README, and a crate has to be small enough.
"""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

# Source: the Cargo Book, "Publishing on crates.io", which refuses more than 10 MB.
MAX_BYTES = 10_000_000
ALWAYS = {"Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT"}
BUILT = {"lib", "bin", "proc-macro", "custom-build"}


def dependencies(dep_info: Path) -> set[Path]:
    """The files behind the colon. A blank in a name stands behind a backslash."""
    _, _, files = dep_info.read_text().partition(": ")
    return {Path(file.replace("\\ ", " ")) for file in re.split(r"(?<!\\)\s+", files.split("\n")[0].strip())}


def main(dep_info: Path, folder: Path) -> None:
    top = Path.cwd()
    command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["packages"]
    # The innermost package has a file, so those with longer paths come first.
    packages.sort(key=lambda it: -len(it["manifest_path"]))
    needed = {it["name"]: set(ALWAYS) for it in packages}
    sources = {Path(target["src_path"]) for it in packages for target in it["targets"] if BUILT & set(target["kind"])}
    for file in dependencies(dep_info) | sources:
        if not file.is_relative_to(top) or {"target", ".git"} & {file.relative_to(top).parts[0]}:
            continue
        home = next(it for it in packages if file.is_relative_to(Path(it["manifest_path"]).parent))
        inside = [file] if file.is_file() else [it for it in file.rglob("*") if it.suffix == ".proto"]
        needed[home["name"]] |= {str(it.relative_to(Path(home["manifest_path"]).parent)) for it in inside}
    wrong = []
    for package in packages:
        name = f"{package['name']}-{package['version']}"
        crate = folder / f"{name}.crate"
        with tarfile.open(crate) as archive:
            has = {member.name.removeprefix(f"{name}/"): member for member in archive.getmembers()}
        wrong += [f"{name} lacks {file}" for file in sorted(needed[package["name"]] - set(has))]
        wrong += [f"{name}: {file} is no regular file" for file, member in sorted(has.items()) if not member.isfile()]
        if crate.stat().st_size > MAX_BYTES:
            wrong.append(f"{name} is larger than {MAX_BYTES} bytes")
        print(f"{name}: {len(has)} files, {crate.stat().st_size // 1000} kB, and {len(needed[package['name']])} are needed")
    if wrong:
        sys.exit("\n".join([*wrong, "packaging/crates: `include` of a Cargo.toml says what a crate has"]))


main(Path(sys.argv[1]), Path(sys.argv[2]))
