"""Inputs that are damaged, lie or attack: each is refused by name, or read rightly, and cheaply."""

from pathlib import Path

import pytest

from ocr_lib.serving.triton_env import triton_venv
from tests.faults.cases import CASE, Cases, cases
from tests.faults.hostile import grpc_requests
from tests.faults.hostile.grpc_target import MAX_KEPT, Target
from tests.faults.hostile.pool import KINDS, Measured, Worker, module_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
LEAST = 60  # cases a kind


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_input_ends_as_it_should(kind: str, tmp_path: Path) -> None:
    names = list(module_of(kind).cases())
    assert len(names) >= LEAST
    with cases("hostile") as some, Worker(kind, tmp_path) as worker:
        for name in names:
            if f"{kind}/{name}".startswith(CASE):
                count(some, kind, name, worker.run(name))


@pytest.mark.skipif(not triton_venv().is_dir(), reason="no Triton here: make setup")
@pytest.mark.parametrize("kind", ["grpc"])
def test_hostile_calls_end_as_they_should(kind: str, tmp_path: Path) -> None:
    calls = grpc_requests.cases()
    assert len(calls) >= LEAST
    with cases("hostile") as some, Target(tmp_path) as target:
        for name, call in calls.items():
            if f"{kind}/{name}".startswith(CASE):
                count(some, kind, name, target.run(name, call))
        kept = target.kept()
        wrong = f"keeps {kept >> 20} MiB more than at first" if kept > MAX_KEPT else ""
        some.count(f"{kind}/memory-afterwards", f"{kind} memory", wrong, 0.0)


def count(some: Cases, kind: str, name: str, done: Measured) -> None:
    state = f"{kind} {done.end.input}"
    some.count(f"{kind}/{name}", state, done.end.wrong, done.seconds, done.peak_bytes)
