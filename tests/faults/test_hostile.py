"""Inputs that are damaged, lie or attack: each is refused by name, or read rightly, and cheaply."""

from pathlib import Path

import pytest

from tests.faults.cases import CASE, Cases, cases
from tests.faults.hostile.pool import KINDS, Worker, module_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
LEAST = 60  # cases a kind


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_input_ends_as_it_should(kind: str, tmp_path: Path) -> None:
    names = list(module_of(kind).cases())
    assert len(names) >= LEAST
    with cases("hostile") as some, Worker(kind, tmp_path) as worker:
        for name in names:
            if f"{kind}/{name}".startswith(CASE):
                run(some, worker, kind, name)


def run(some: Cases, worker: Worker, kind: str, name: str) -> None:
    done = worker.run(name)
    state = f"{kind} {done.end.input}"
    some.count(f"{kind}/{name}", state, done.end.wrong, done.seconds, done.peak_bytes)
