"""Several writers of one thing: one of them wins, the others know it, and nothing is mixed."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from components.evaluate.step import evaluate
from components.predict.step import PredictRequest, predict_partition
from ocr_lib.data.labels.convert import convert
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.lmdb_store.verify import verify
from ocr_lib.errors import LmdbError
from ocr_lib.inference.bundle import Bundle
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.registry.champion import read_champion
from ocr_lib.registry.judgement import Judgement, check_champion
from ocr_lib.registry.production import (
    find_version,
    list_versions,
    promoted,
    read_versioned,
    record_version,
    write_production,
)
from ocr_lib.storage import store_lease as leases
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store
from tests.conditional_s3 import KINDS, available, conditional_s3
from tests.fault_proxy import FaultProxy, Rule, held
from tests.faults.cases import FULL, NotInjectedError, cases
from tests.faults.conftest import copy_of
from tests.faults.processes import Child
from tests.faults.readers import read_store
from tests.faults.steps import (
    DIGITS,
    MODEL,
    RUN,
    World,
    context,
    digests,
    evaluate_request,
    run_step,
)
from tests.faults.test_kill import Trial, results
from tests.ocr_lib.serving.tiny_bundle import write_bundle

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

CONTENDERS = 50
ROUNDS = 20 if FULL else 3
HOLD_S = 3.0  # of a lease in these tests
WON, LOST = 0, 3  # exit codes
PREDICTED = "predictions.json"
# What the first partition of a run is about to write when production is rolled back.
ROLLED_BACK = {
    "before-the-pin": f"evaluations/{RUN}/champion.json",
    "after-the-pin": f"predictions/{RUN}/*",
}
STORES = ("rclone", *KINDS)
Servers = Callable[[str], dict[str, str]]


@pytest.fixture
def environment_of(s3_server: S3Server, conditional_servers: Servers) -> Servers:
    """Returns the environment that names a store, by its kind; skips where there is none."""
    return lambda kind: s3_server.environment() if kind == "rclone" else conditional_servers(kind)


def write_once(key: str, number: int, gate: Path) -> None:
    """Creates an object that others want to create too; for a child process."""
    store = Store.from_env()
    _wait_for(gate)
    try:
        store.replace_json(key, {"number": number}, None)
    except ConflictError:
        raise SystemExit(LOST) from None


def count_up(key: str, name: str, gate: Path, conditional: bool) -> None:
    """Adds one to a number under the lease; for a child process."""
    leases.HOLD_S = 30.0
    store = Store.from_env()
    _wait_for(gate)
    with leases.store_lease(store, name, wait_s=240.0):
        value, etag = store.get_versioned(key)
        if conditional:
            store.replace_json(key, {"count": value["count"] + 1}, etag)
        else:
            store.put_json(key, {"count": value["count"] + 1})


def promote(model: str, number: int, gate: Path) -> None:
    """Makes a bundle the version in production, as a deployment does; for a child process."""
    leases.HOLD_S = 30.0
    store = Store.from_env()
    _wait_for(gate)
    with leases.store_lease(store, f"deploy-{model}", wait_s=240.0):
        former, etag = read_versioned(store, model)
        record = record_version(store, model, f"s3://ocr/bundle-{number}", f"{number:064}", {})
        write_production(store, promoted(model, record, former), etag)


def write_when_resumed(model: str, taken: Path) -> None:
    """Takes the lease, says so, and writes the pointer when it was paused; for a child process."""
    leases.HOLD_S = HOLD_S
    store = Store.from_env()
    former, etag = read_versioned(store, model)
    record = record_version(store, model, "s3://ocr/paused", "f" * 64, {})
    with leases.store_lease(store, f"deploy-{model}", wait_s=60.0):
        taken.write_text("taken")
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            write_production(store, promoted(model, record, former), etag)
        except ConflictError:
            raise SystemExit(LOST) from None


def _wait_for(gate: Path) -> None:
    poll_until(gate.exists, "the other processes", 120.0, Pauses(0.01))


def together(
    target: Callable[..., None],
    arguments: Sequence[tuple[object, ...]],
    folder: Path,
    environment: dict[str, str],
) -> list[int]:
    """Runs a function in several processes that begin at the same moment; returns exit codes."""
    gate = folder / "gate"
    children = [
        Child(target, (*given[:2], gate, *given[2:]), folder / f"child-{number}", environment)
        for number, given in enumerate(arguments)
    ]
    gate.touch()
    runs = [child.wait() for child in children]
    wrong = [run.log for run in runs if run.exitcode not in (WON, LOST)]
    assert not wrong, wrong[0]
    return [run.exitcode or 0 for run in runs]


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_many_creates_an_object(
    kind: str, environment_of: Servers, tmp_path: Path, world: World
) -> None:
    environment = environment_of(kind)

    def contend(number: int) -> str:
        key = f"contended/{tmp_path.name}/{number}.json"
        given = [(key, n) for n in range(CONTENDERS)]
        ends = together(write_once, given, tmp_path / str(number), environment)
        assert ends.count(WON) == 1, f"{ends.count(WON)} have won"
        with pytest.MonkeyPatch.context() as patch:
            store = _store(environment, patch)
        assert store.get_json(key) == {"number": ends.index(WON)}
        return f"{kind} {number}"

    with cases("concurrency") as some:
        for number in range(ROUNDS):
            some.run(f"create/{kind}-{number}", lambda n=number: contend(n))


@pytest.mark.parametrize("kind", STORES)
def test_no_update_under_the_lease_is_lost(
    kind: str, environment_of: Servers, tmp_path: Path, world: World
) -> None:
    environment, writers = environment_of(kind), 6

    def count() -> str:
        key, name = f"counted/{tmp_path.name}.json", f"count-{tmp_path.name}"
        with pytest.MonkeyPatch.context() as patch:
            store = _store(environment, patch)
        store.put_json(key, {"count": 0})
        given = [(key, name, kind != "rclone") for _ in range(writers)]
        ends = together(count_up, given, tmp_path / "count", environment)
        assert ends == [WON] * writers
        assert store.get_json(key) == {"count": writers}
        return f"count {kind}"

    def deploy() -> str:
        model = "together"
        with pytest.MonkeyPatch.context() as patch:
            store = _store(environment, patch)
        given = [(model, number) for number in range(writers)]
        ends = together(promote, given, tmp_path / "deploy", environment)
        assert ends == [WON] * writers
        production, _ = read_versioned(store, model)
        assert production is not None
        versions = [record.version for record in list_versions(store, model)]
        assert versions == list(range(1, writers + 1))
        assert sorted([*production.history, production.version]) == versions
        return f"deploy {kind}"

    with cases("concurrency") as some:
        some.run(f"count/{kind}", count)
        some.run(f"deploy/{kind}", deploy)


@pytest.mark.parametrize("kind", KINDS)
def test_a_paused_holder_is_refused_by_the_store(
    kind: str, environment_of: Servers, tmp_path: Path, world: World
) -> None:
    environment, model = environment_of(kind), "paused"

    def pause() -> str:
        with pytest.MonkeyPatch.context() as patch:
            store = _store(environment, patch)
            patch.setattr(leases, "HOLD_S", HOLD_S)
            taken = tmp_path / "taken"
            child = Child(write_when_resumed, (model, taken), tmp_path / "child", environment)
            poll_until(taken.exists, "the lease to be taken", 60.0, Pauses(0.05))
            pid = child.process.pid
            assert pid is not None
            poll_until(lambda: _is_stopped(pid), "the holder to be paused", 30.0, Pauses(0.05))
            with leases.store_lease(store, f"deploy-{model}", wait_s=60.0):
                former, etag = read_versioned(store, model)
                record = record_version(store, model, "s3://ocr/other", "a" * 64, {})
                written = promoted(model, record, former)
                write_production(store, written, etag)
        os.kill(pid, signal.SIGCONT)
        run = child.wait()
        assert run.exitcode == LOST, f"the paused holder ended with {run.exitcode}: {run.log}"
        production, _ = read_versioned(store, model)
        assert production is not None
        assert production.digest == "a" * 64
        return f"paused {kind}"

    with cases("concurrency") as some:
        some.run(f"paused/{kind}", pause)


def _is_stopped(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    if state == "Z":
        raise NotInjectedError("the holder ended before it was paused")
    return state == "T"


def predict_rows(world: World, work: Path, first: int, last: int) -> None:
    """Predicts a partition of the run, and writes where it is; for a child process."""
    assert world.model is not None
    assert world.test is not None
    request = PredictRequest(
        run=RUN, model=world.model, test=world.test, rows=range(first, last), model_name=MODEL
    )
    ref = predict_partition(context(Store.from_env(), work), request)
    (work / PREDICTED).write_text(json.dumps(asdict(ref)), "utf-8")


def write_pointer(store: Store, version: int) -> None:
    """Makes a version the one in production, as a deployment and a rollback do."""
    with leases.store_lease(store, f"deploy-{MODEL}", wait_s=60.0):
        former, etag = read_versioned(store, MODEL)
        record = find_version(store, MODEL, version)
        write_production(store, promoted(MODEL, record, former), etag)


@contextmanager
def conditional_copy_of(world: World, kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """Serves a copy of the world's bucket by a store that honours conditions."""
    if not available(kind):
        pytest.skip(f"no {kind} here")
    folder.mkdir()
    with (
        conditional_s3(kind, folder / kind) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        store = _store(environment, patch)
        for key in digests(world.bucket):
            store.put_file(world.bucket / key, key)
        yield environment


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ROLLED_BACK)
def test_a_run_during_a_rollback_is_about_one_champion(
    moment: str, kind: str, world: World, tmp_path: Path
) -> None:
    """One partition has begun when production is rolled back, the other one begins after it.

    Both are compared with one champion, and the candidate does not take over from another one.
    """
    assert world.test is not None
    samples = int(world.test.metadata["samples"])

    def roll_back() -> str:
        with (
            conditional_copy_of(world, kind, tmp_path / "case") as environment,
            pytest.MonkeyPatch.context() as patch,
        ):
            store = _store(environment, patch)
            bundle = write_bundle(tmp_path / "second", DIGITS, sharpness=20.0)
            digest = Bundle.open(bundle).digest
            uri = store.put_tree(bundle, f"registry/{MODEL}/bundles/{digest}")
            write_pointer(store, record_version(store, MODEL, uri, digest, {}).version)
            write = Rule(held(), "PUT", ROLLED_BACK[moment])
            with FaultProxy(store.client.endpoint, write) as proxy:
                proxied = {**environment, "OCR_S3_ENDPOINT": proxy.endpoint}
                rows = ((0, samples // 2), (samples // 2, samples))
                works = [tmp_path / f"work-{number}" for number in range(2)]
                begun = Child(predict_rows, (world, works[0], *rows[0]), works[0], proxied)
                if not write.reached.wait(120):
                    raise NotInjectedError("the first partition was not written")
                write_pointer(store, 1)
                later = Child(predict_rows, (world, works[1], *rows[1]), works[1], environment)
                runs = [later.wait()]
                write.release.set()
                runs.append(begun.wait())
            wrong = [run.log for run in runs if run.exitcode]
            assert not wrong, wrong[0]
            refs = [ArtifactRef(**json.loads((work / PREDICTED).read_text())) for work in works]
            champion = read_champion(store, RUN, MODEL)
            assert champion is not None
            evaluation = evaluate(
                context(store, tmp_path / "evaluate"), evaluate_request(world, RUN, refs)
            )[1]
            assert Judgement.from_dict(evaluation.metadata) == Judgement.against(
                champion, passed=bool(evaluation.metadata["passed"] == "true")
            )
            production, _ = read_versioned(store, MODEL)
            assert production is not None
            assert production.version == 1
            if champion.version != production.version:
                with pytest.raises(ConflictError, match="judged against version 2"):
                    check_champion(MODEL, evaluation.metadata, "candidate", production)
        return f"{moment} {champion.version}"

    with cases("concurrency") as some:
        some.run(f"rolled-back/{moment}-{kind}", roll_back)


@pytest.mark.parametrize("step", ["gen-label", "pack", "plan", "preflight", "upload", "evaluate"])
def test_two_runs_of_one_step_end_as_one(step: str, world: World, tmp_path: Path) -> None:
    """Two pods of one task, as an orchestrator starts when it has lost sight of the first."""
    trial = Trial(step, world, tmp_path)

    def both(number: int) -> str:
        case = tmp_path / f"both-{number}"
        with copy_of(world, case) as server:
            arguments = [(step, world, case / f"work-{n}") for n in range(2)]
            children = [
                Child(run_step, given, case / f"child-{n}", server.environment())
                for n, given in enumerate(arguments)
            ]
            for run in [child.wait() for child in children]:
                assert run.exitcode == 0, run.log
            read_store(server.store(), tuple(digests(world.bucket)))
        assert results(step, case) == trial.expected
        return f"{step} {number}"

    with cases("concurrency") as some:
        for number in range(ROUNDS):
            some.run(f"both-{step}/{number}", lambda n=number: both(n))


def test_two_packers_of_one_folder(world: World, tmp_path: Path) -> None:
    """One packs, the other says who does; or one comes after the other."""

    def both(number: int) -> str:
        work = tmp_path / str(number) / "work"
        environment = {"OCR_S3_ENDPOINT": "http://127.0.0.1:9"}
        children = [
            Child(pack_here, (world, work), tmp_path / str(number) / f"child-{n}", environment)
            for n in range(4)
        ]
        ends = [child.wait() for child in children]
        wrong = [run.log for run in ends if run.exitcode not in (WON, LOST)]
        assert not wrong, wrong[0]
        codes = [run.exitcode for run in ends]
        assert WON in codes
        assert not verify(work / "out").problems
        return f"packers {codes}"

    with cases("concurrency") as some:
        for number in range(ROUNDS):
            some.run(f"packers/{number}", lambda n=number: both(n))


def pack_here(world: World, work: Path) -> None:
    """Packs into a folder that others pack into as well; for a child process."""
    labels = work / f"labels-{os.getpid()}"
    convert(world.icdar, labels)
    try:
        pack(labels / "labels.txt", world.icdar, work / "out", shard_samples=8)
    except LmdbError as error:
        assert "another process is packing" in str(error)  # noqa: PT017 - not in a test
        raise SystemExit(LOST) from None


def _store(environment: dict[str, str], patch: pytest.MonkeyPatch) -> Store:
    for name, value in environment.items():
        patch.setenv(name, value)
    return Store.from_env()
