"""Prints the coverage of each package and of all, from the file that `coverage json` writes."""

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Count:
    """Lines and branches of a package, and those that the tests ran."""

    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0

    def add(self, summary: dict[str, int]) -> None:
        self.lines += summary["num_statements"]
        self.lines_run += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_run += summary["covered_branches"]


def package_of(path: str) -> str:
    """Returns the package of a file, two levels deep: `ocr_lib/data`."""
    parts = Path(path).parent.parts
    return "/".join(parts[:2])


def count(files: dict[str, dict[str, dict[str, int]]]) -> dict[str, Count]:
    """Returns the counts by package, sorted, with the sum under `total` at the end."""
    counts: dict[str, Count] = defaultdict(Count)
    total = Count()
    for path, file in files.items():
        counts[package_of(path)].add(file["summary"])
        total.add(file["summary"])
    return dict(sorted(counts.items())) | {"total": total}


def table(counts: dict[str, Count]) -> str:
    rows = [f"{'package':<24} {'lines':>7} {'run':>6} {'branches':>9} {'run':>6}"]
    for name, item in counts.items():
        rows.append(
            f"{name:<24} {item.lines:>7} {percent(item.lines_run, item.lines):>6}"
            f" {item.branches:>9} {percent(item.branches_run, item.branches):>6}"
        )
    return "\n".join(rows)


def percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="what `coverage json` wrote")
    print(table(count(json.loads(parser.parse_args().file.read_text("utf-8"))["files"])))
