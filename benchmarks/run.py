"""Runs every benchmark and writes `build/bench.json`: ratios within one run, never bare seconds.

`python -m benchmarks.run [--quick] [--only labels,lmdb] [--out build/bench.json]`

A benchmark is a module `benchmarks/bench_<subject>.py` with `run(quick) -> list[dict]`. Each row
has `name`, `ours_s` (CPU seconds an item), what it is measured beside (`peer_s`, `bound_s`; None
where there is none), `ratio` (ours over the peer, or over the bound where there is no peer),
`goal` (the ratio to stay below) and `range` (smallest and largest ratio of the rounds).
"""

import argparse
import importlib
import platform
from pathlib import Path
from typing import Any

from ocr_lib.atomic import write_json
from ocr_lib.cpu import configure_cpu

FOLDER = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure against peers and bounds.")
    parser.add_argument("--quick", action="store_true", help="fewer items and rounds")
    parser.add_argument("--only", help="comma-separated subjects")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    args = parser.parse_args()
    configure_cpu()
    subjects = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    if args.only:
        subjects = [s for s in subjects if s in args.only.split(",")]
    ratios: dict[str, dict[str, Any]] = {}
    for subject in subjects:
        print(f"{subject} …", flush=True)
        for row in importlib.import_module(f"benchmarks.bench_{subject}").run(args.quick):
            ratios[row.pop("name")] = row
    write_json(args.out, {"python": platform.python_version(), "ratios": ratios})
    print(_table(ratios))
    print(f"\n{args.out}")


def _table(ratios: dict[str, dict[str, Any]]) -> str:
    lines = [f"{'name':42} {'ours':>10} {'peer':>10} {'bound':>10} {'ratio':>7} {'goal':>6}  range"]
    for name, row in ratios.items():
        cells = " ".join(f"{_time(row.get(key)):>10}" for key in ("ours_s", "peer_s", "bound_s"))
        low, high = row["range"]
        goal = "" if row["goal"] is None else f"{row['goal']:.2f}"
        lines.append(f"{name:42} {cells} {row['ratio']:7.3f} {goal:>6}  {low:.3f}–{high:.3f}")
    return "\n".join(lines)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


if __name__ == "__main__":
    main()
