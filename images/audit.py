"""Looks up known vulnerabilities of every locked package, with pip-audit.

    python images/audit.py
    python images/audit.py --url https://osv.example/v1/query

Nothing is installed and nothing resolved: names and versions of the locks in `requirements/` are
asked for at an advisory server that speaks OSV's protocol. A package that could not be looked up is
a failure, not a pass.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OSV = "https://api.osv.dev/v1/query"
TIMEOUT_S = 1800  # of the whole audit
Tree = dict[str, Any]


def locks() -> list[Path]:
    """Returns the locks: all requirements that have digests."""
    files = sorted((ROOT / "requirements").glob("*.txt"))
    return [file for file in files if "--hash=" in file.read_text("utf-8")]


def command(files: Sequence[Path], url: str, ignored: Sequence[str]) -> list[str]:
    """Returns how pip-audit is called."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
    service = ["--vulnerability-service=osv", f"--osv-url={url}"]
    return [
        *(sys.executable, "-m", "pip_audit", *options, *service),
        *(f"--ignore-vuln={advisory}" for advisory in ignored),
        *(f"--requirement={file}" for file in files),
    ]


def findings(report: Tree) -> tuple[list[str], list[str]]:
    """Returns what pip-audit found, and what it could not look up, a line for each.

    Args:
        report: pip-audit's, as JSON. The same package is in several locks.
    """
    found, unknown = set(), set()
    for package in report["dependencies"]:
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
    parser.add_argument("--ignore", action="append", default=[], help="an advisory's id")
    parser.add_argument("files", nargs="*", type=Path, metavar="LOCK", help="instead of all")
    args = parser.parse_args()
    files = args.files or locks()
    run = subprocess.run(
        command(files, args.url, args.ignore),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    try:
        report = json.loads(run.stdout)
    except ValueError:
        cause = (run.stderr.strip().splitlines() or ["pip-audit wrote nothing"])[-1]
        sys.stderr.write(
            f"{args.url}: {cause}\nNothing was audited. Run this where {OSV} can be reached, or "
            "name another server that speaks its protocol: make audit AUDIT_URL=…\n"
        )
        return 2
    found, unknown = findings(report)
    for line in (*found, *unknown):
        sys.stdout.write(f"{line}\n")
    total = len({package["name"] for package in report["dependencies"]})
    sys.stdout.write(f"{total} packages, {len(found)} advisories, {len(unknown)} not looked up\n")
    return 1 if found else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
