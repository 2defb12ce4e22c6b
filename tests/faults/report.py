"""Writes `build/faults.json`, and docs/reliability.md from it: `HEAD` says when."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from ocr_lib.atomic import write_json, write_text
from tests.faults.cases import FULL, SEED, Record
from tests.faults.known import KNOWN, known

ROOT = Path(__file__).resolve().parents[2]
KNOWN_AS = "known: "
OUT = ROOT / "build/faults.json"
PAGE = ROOT / "docs/reliability.md"
SUMMED = ("tried", "distinct", "bad", "seconds")
NO_CASE = "failed outside of its cases"
MEANINGS = {
    "kill": "The steps and operations named below are ended with SIGKILL just before each rename "
    "and each write to the object store, and at random moments. The step is run again and must end "
    "with the bytes of an undisturbed run: label lists, shards, weights, predictions, reports, "
    "bundles. What it left in between is read: a result is whole, or there is none. At the random "
    "moments another process reads all the time. Deployments and rollbacks are killed at their "
    "calls of real Triton replicas too; meanwhile a reader asks every replica, and the store for "
    "the version in production.",
    "hostile": "Images, label files, archives, LMDB folders, configurations, dictionaries, "
    "checkpoints and bundles that are damaged, lie about their size or "
    "attack. Each must be refused in one line that names the file, line or key, or be read "
    "rightly. They run in processes with 1 GiB of address space beyond what imports take; a crash, "
    "more than 512 MiB in one case, or no end within a minute is bad. Calls over gRPC go to a real "
    "Triton: tensors whose parts disagree, guessed secrets, bytes that are no message or no "
    "HTTP/2, clients that are slow or many. Each must end with its own status and a text that "
    "names the field, and the next request must be answered rightly.",
    "store": "Between a step and its object store, a proxy answers with errors and pages, resets "
    "connections, cuts, changes and delays answers, or loses them after the write; or the disk "
    "is full. The step must end rightly, or with one clear error, within its deadline.",
    "concurrency": "Two runs of one model, two deployments, a holder of the lease that is paused, "
    "a rollback while a run predicts, 50 writers of one object: one wins, the others know it, and "
    "nothing is mixed.",
    "serving": "Real Triton replicas answer a mixed load, single lines and full requests with an "
    "image that is none, while one of them is killed and restarted, versions change and the store "
    "fails. Each answer is compared with the known text; memory of the replica that lives on, "
    "taken after each round of events and for as many networks, does not rise; overload is "
    "refused and passes.",
    "canary": "A pipeline runs with random secrets as its keys. They must be in no log, artifact, "
    "compiled package, report, image context or command line of a process.",
}
HEAD = """# Reliability

`make test-faults` breaks the system on purpose, kind by kind, and counts what was wrong afterwards.
`KIND=kill` runs one kind, `SEED=7` draws other random numbers, `FULL=1` takes longer, and `CASE=…`
runs a single case again, as a failure prints it; `SOAK_MINUTES=1` shortens the load on servers.

Every run prints its table. `build/faults.json` keeps the counts of each kind's last run: a run of
one kind leaves those of the others, a run of single tests or cases (`CASE=`) leaves all. This page
is written from them at the end of a run of all kinds that passed; with `REPORT=1`, at the end of
any run that passed, for the kinds that have been counted.

*Tried* are faults that happened; a fault that did not happen fails the suite. *Distinct* are
different inputs or states that a fault left. *Bad* are wrong ends, those that are known included.

"""


@dataclass(frozen=True)
class Session:
    """What a test session ran.

    Attributes:
        records: what it counted, by kind and test.
        failed: tests that failed, by kind.
        partial: whether it ran single tests or cases, or was interrupted: its counts say nothing of
            a kind then.
        passed: whether the session passed as a whole.
        asked: whether the page was asked for, by `REPORT=1`.
    """

    records: Mapping[tuple[str, str], Record]
    failed: Mapping[str, Collection[str]]
    partial: bool
    passed: bool
    asked: bool

    @property
    def counts(self) -> dict[str, Any]:
        """The counts of each kind that ran; a test that failed for no bad case is bad itself."""
        kinds = {kind for kind, _ in self.records} | set(self.failed)
        return {kind: self._count(kind) for kind in MEANINGS if kind in kinds}

    def _count(self, kind: str) -> dict[str, Any]:
        tests = {test: _counts(record) for (of, test), record in self.records.items() if of == kind}
        for test in self.failed.get(kind, ()):
            counted = tests.setdefault(test, _counts(Record()))
            if all(why.startswith(KNOWN_AS) for why in counted["bad_cases"].values()):
                counted["bad"] += 1
                counted["bad_cases"][test] = NO_CASE
        return _total(tests)


def write_reports(session: Session, out: Path = OUT, page: Path = PAGE) -> None:
    """Writes the counts of the kinds that ran, and the page where the rule of `HEAD` says so.

    Args:
        session: what ran.
        out: the JSON file with the counts of all kinds.
        page: the Markdown page of the documentation.
    """
    ran = session.counts
    if session.partial or not ran:
        return
    former: dict[str, Any] = json.loads(out.read_text("utf-8")) if out.exists() else {}
    counts = former | ran
    write_json(out, counts)
    if session.passed and (session.asked or ran.keys() == MEANINGS.keys()) and is_green(counts):
        write_text(page, page_of(counts))


def is_green(counts: Mapping[str, Any]) -> bool:
    """Tells whether everything that is bad is known."""
    return all(
        why.startswith(KNOWN_AS) for kind in counts.values() for why in kind["bad_cases"].values()
    )


def table(counts: Mapping[str, Any]) -> str:
    """Returns a Markdown table of these counts, a row for each kind."""
    rows = ["| kind | tried | distinct | bad | seconds |", "| --- | ---: | ---: | ---: | ---: |"]
    for kind in MEANINGS:
        if kind in counts:
            numbers = [f"{counts[kind][name]:,.0f}" for name in SUMMED]
            rows.append(f"| {kind} | {' | '.join(numbers)} |")
    return "\n".join(rows)


def page_of(counts: Mapping[str, Any]) -> str:
    """Returns the page that shows these counts."""
    sections, bad = [], Counter[str]()
    for kind, meaning in MEANINGS.items():
        if kind in counts:
            tests = _tests(counts[kind]["tests"])
            sections.append(f"## {kind}\n\n{fill(meaning, 105)}\n\n{tests}\n")
            bad.update(f"{kind}: {why}" for why in counts[kind]["bad_cases"].values())
    lines = "\n".join(f"- {why} ({count} case{'s' * (count > 1)})" for why, count in bad.items())
    listed = f"## Bad\n\n{lines}\n" if bad else ""
    return HEAD + table(counts) + "\n\n" + "\n".join([*sections, listed]).rstrip() + "\n"


def _tests(tests: dict[str, Any]) -> str:
    """Returns what each test of a kind was about, and how many faults it tried."""
    names = {name: name.partition("[")[2].rstrip("]") or name for name in tests}
    tried = [f"{names[name].replace('_', ' ')} {one['tried']:,}" for name, one in tests.items()]
    figures = [
        f"{name} {value:,g}"
        for one in tests.values()
        for name, value in one.get("figures", {}).items()
    ]
    measured = f" Measured: {', '.join(figures)}." if figures else ""
    return fill(f"Tried: {', '.join(tried)}.{measured}", 105)


def _total(tests: dict[str, Any]) -> dict[str, Any]:
    """Returns the counts of a kind with those of its tests; their states differ."""
    every = list(tests.values())
    counts: dict[str, Any] = {name: round(sum(one[name] for one in every), 1) for name in SUMMED}
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
    if record.figures:
        counts["figures"] = record.figures
    return counts


def _why(case: str, wrong: str) -> str:
    pattern = known(case)
    return f"{KNOWN_AS}{KNOWN[pattern]}" if pattern else wrong[:300]
