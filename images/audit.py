"""Looks up known vulnerabilities of every locked package, with pip-audit.

    python images/audit.py
    python images/audit.py --url https://osv.example/v1/query

Nothing is installed and nothing resolved: names and versions of the locks in `requirements/` are
asked for at an advisory server that speaks OSV's protocol, whatever Python or system an entry is
for. A package that could not be looked up is a failure, not a pass.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OSV = "https://api.osv.dev/v1/query"
TIMEOUT_S = 1800  # of the whole audit
PIN = re.compile(r"([\w.-]+)(?:\[[\w.,-]+\])?==([\w.!+-]+)(?=\s|;|$)")
Tree = dict[str, Any]


def locks() -> list[Path]:
    """Returns the locks: all requirements that have digests."""
    files = sorted((ROOT / "requirements").glob("*.txt"))
    return [file for file in files if "--hash=" in file.read_text("utf-8")]


def pins(files: Iterable[Path]) -> dict[str, set[str]]:
    """Returns the versions of each package that the locks pin: they differ with Python and set.

    Raises:
        SystemExit: an entry is not `name==version`, so it could not be looked up.
    """
    versions: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if not line.strip() or line.lstrip().startswith(("#", "--hash=")):
                continue
            pin = PIN.match(line)
            if pin is None:
                raise SystemExit(f"{file}:{number}: {line!r} is not name==version. Lock it again.")
            versions[pin[1]].add(pin[2])
    return versions


def rounds(versions: dict[str, set[str]]) -> list[str]:
    """Returns requirements that name each version once, and no package twice: pip-audit's limit."""
    count = max(map(len, versions.values()), default=0)
    ordered = {name: sorted(each) for name, each in sorted(versions.items())}
    return [
        "".join(f"{name}=={each[index]}\n" for name, each in ordered.items() if index < len(each))
        for index in range(count)
    ]


def command(file: Path, url: str, ignored: Sequence[str]) -> list[str]:
    """Returns how pip-audit is called."""
    options = ["--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json"]
    service = ["--vulnerability-service=osv", f"--osv-url={url}"]
    return [
        *(sys.executable, "-m", "pip_audit", *options, *service),
        *(f"--ignore-vuln={advisory}" for advisory in ignored),
        f"--requirement={file}",
    ]


def audit(requirements: str, url: str, ignored: Sequence[str], deadline: float) -> list[Tree]:
    """Returns what pip-audit says of each package.

    Args:
        requirements: what to look up, each package once.
        url: the advisory server's.
        ignored: ids of advisories.
        deadline: on the clock `time.monotonic`, in s.

    Raises:
        ValueError: it says nothing; the message has its last line, or that the time is over.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements)
        try:
            run = subprocess.run(
                command(file, url, ignored),
                capture_output=True,
                text=True,
                timeout=max(0.0, deadline - time.monotonic()),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ValueError("it did not answer in time") from None
    try:
        packages: list[Tree] = json.loads(run.stdout)["dependencies"]
    except ValueError:
        last = (run.stderr.strip().splitlines() or ["pip-audit wrote nothing"])[-1]
        raise ValueError(last) from None
    return packages


def findings(packages: Iterable[Tree]) -> tuple[list[str], list[str]]:
    """Returns what pip-audit found, and what it could not look up, a line for each."""
    found, unknown = set(), set()
    for package in packages:
        name = package["name"]
        if reason := package.get("skip_reason"):
            unknown.add(f"{name}: {reason}")
        for advisory in package.get("vulns", ()):
            fixed = ", ".join(advisory["fix_versions"]) or "no version"
            found.add(f"{name} {package['version']}: {advisory['id']}, fixed in {fixed}")
    return sorted(found), sorted(unknown)


def main() -> int:
    """Returns 0 where nothing is known, 1 where something is, 2 where it could not be found out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=OSV, help=f"an advisory server's ({OSV})")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, help=f"in s ({TIMEOUT_S})")
    parser.add_argument("--ignore", action="append", default=[], help="an advisory's id")
    parser.add_argument("files", nargs="*", type=Path, metavar="LOCK", help="instead of all")
    args = parser.parse_args()
    versions = pins(args.files or locks())
    packages: list[Tree] = []
    deadline = time.monotonic() + args.timeout
    try:
        for requirements in rounds(versions):
            packages += audit(requirements, args.url, args.ignore, deadline)
    except ValueError as error:
        sys.stderr.write(
            f"{args.url}: {error}\nNothing was audited. Run this where {OSV} can be reached, or "
            "name another server that speaks its protocol: make audit AUDIT_URL=…\n"
        )
        return 2
    found, unknown = findings(packages)
    for line in (*found, *unknown):
        sys.stdout.write(f"{line}\n")
    count = f"{len(versions)} packages in {len(packages)} versions"
    sys.stdout.write(f"{count}, {len(found)} advisories, {len(unknown)} not looked up\n")
    return 1 if found else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
