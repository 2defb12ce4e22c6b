"""Writes `build/faults.json`, and docs/reliability.md from it."""

import json
from collections import Counter
from pathlib import Path
from textwrap import fill
from typing import Any

from ocr_lib.atomic import write_json, write_text
from tests.faults.cases import CASE, FULL, RECORDS, SEED, Record
from tests.faults.known import KNOWN, known

ROOT = Path(__file__).resolve().parents[2]
KNOWN_AS = "known: "
OUT = ROOT / "build/faults.json"
PAGE = ROOT / "docs/reliability.md"
MEANINGS = {
    "kill": "The steps and operations named below are ended with SIGKILL just before each rename "
    "and each write to the object store, and at random moments. The step is run again and must end "
    "with the bytes of an undisturbed run: label lists, shards, weights, predictions, reports, "
    "bundles. What it left in between is read: a result is whole, or there is none. At the random "
    "moments another process reads all the time.",
    "hostile": "Images, label files, archives, LMDB folders, configurations, dictionaries, "
    "checkpoints and bundles that are damaged, lie about their size or "
    "attack. Each must be refused in one line that names the file, line or key, or be read "
    "rightly. They run in processes with 1 GiB of address space beyond what imports take; a crash, "
    "more than 512 MiB in one case, or no end within a minute is bad.",
    "store": "Between a step and its object store, a proxy answers with errors and pages, resets "
    "connections, cuts, changes and delays answers, or loses them after the write; or the disk "
    "is full. The step must end rightly, or with one clear error, within its deadline.",
    "concurrency": "Two runs of one model, two deployments, a holder of the lease that is paused, "
    "many writers of one object: one wins, the others know it, and nothing is mixed.",
    "serving": "Real Triton replicas answer a mixed load while one is killed, others restart, "
    "versions change and the store fails. Each answer is compared with the known text; memory "
    "stays flat; overload is refused and passes.",
    "canary": "A pipeline runs with random secrets as its keys. They must be in no log, artifact, "
    "compiled package, report, image context or command line of a process.",
}
HEAD = """# Reliability

`make test-faults` breaks the system on purpose, kind by kind, and counts what was wrong afterwards.
`KIND=kill` runs one kind, `SEED=7` draws other random numbers, `FULL=1` takes longer, and `CASE=…`
runs a single case again, as a failure prints it; `SOAK_MINUTES=1` shortens the load on servers. The
numbers are in `build/faults.json`, and the suite writes this page from them.

*Tried* are faults that happened; one that did not fails the suite. *Distinct* are different inputs
or states that a fault left. *Bad* are wrong ends, those that are known included.

"""


def write_reports() -> None:
    """Adds the tests that this session ran to those of earlier ones; a single case counts not.

    The page is written where everything that is bad is known.
    """
    if CASE or not RECORDS:
        return
    former: dict[str, Any] = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
    counts = dict(former)
    for kind in {kind for kind, _ in RECORDS}:
        tests = counts.get(kind, {}).get("tests", {})
        run = {test: _counts(record) for (of, test), record in RECORDS.items() if of == kind}
        counts[kind] = _total({**tests, **run})
    write_json(OUT, counts)
    if all(
        why.startswith(KNOWN_AS) for kind in counts.values() for why in kind["bad_cases"].values()
    ):
        write_text(PAGE, page(counts))


def page(counts: dict[str, Any]) -> str:
    """Returns the page that shows these counts."""
    rows = ["| kind | tried | distinct | bad | seconds |", "| --- | ---: | ---: | ---: | ---: |"]
    sections, bad = [], Counter[str]()
    for kind, meaning in MEANINGS.items():
        if kind not in counts:
            continue
        found = counts[kind]
        numbers = [f"{found[name]:,.0f}" for name in ("tried", "distinct", "bad", "seconds")]
        rows.append(f"| {kind} | {' | '.join(numbers)} |")
        sections.append(f"## {kind}\n\n{fill(meaning, 105)}\n\n{_tests(found['tests'])}\n")
        bad.update(f"{kind}: {why}" for why in found["bad_cases"].values())
    lines = "\n".join(f"- {why} ({count} case{'s' * (count > 1)})" for why, count in bad.items())
    listed = f"## Bad\n\n{lines}\n" if bad else ""
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join([*sections, listed]).rstrip() + "\n"


def _tests(tests: dict[str, Any]) -> str:
    """Returns what each test of a kind was about, and how many faults it tried."""
    names = {name: name.partition("[")[2].rstrip("]") or name for name in tests}
    tried = [f"{names[name].replace('_', ' ')} {one['tried']:,}" for name, one in tests.items()]
    return fill(f"Tried: {', '.join(tried)}.", 105)


def _total(tests: dict[str, Any]) -> dict[str, Any]:
    """Returns the counts of a kind with those of its tests; their states differ."""
    every = list(tests.values())
    counts: dict[str, Any] = {
        name: round(sum(one[name] for one in every), 1)
        for name in ("tried", "distinct", "bad", "seconds")
    }
    counts["bad_cases"] = {case: why for one in every for case, why in one["bad_cases"].items()}
    return {**counts, "tests": tests}


def _counts(record: Record) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "tried": record.tried,
        "distinct": len(record.states),
        "bad": len(record.bad),
        "seconds": round(record.seconds, 1),
        "seed": SEED,
        "full": FULL,
        "slowest_s": round(record.slowest_s, 2),
        "bad_cases": {case: _why(case, why) for case, why in sorted(record.bad.items())},
    }
    if record.peak_bytes:
        counts["peak_mib"] = record.peak_bytes >> 20
    return counts


def _why(case: str, wrong: str) -> str:
    pattern = known(case)
    return f"{KNOWN_AS}{KNOWN[pattern]}" if pattern else wrong[:300]
