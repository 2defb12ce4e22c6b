"""The steps that are killed, as functions for a process of their own, and what they start from.

Every step reads what `build_world` made once: each case gets a copy of that bucket, served by a
store of its own.
"""

import ctypes
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from components.evaluate.step import EvaluateRequest, evaluate
from components.export.step import ExportRequest, export
from components.gen_label.step import gen_label
from components.pack_lmdb.step import PackRequest, pack_lmdb
from components.plan.step import PlanRequest, plan
from components.predict.step import PredictRequest, predict_partition
from components.preflight import step as preflight_step
from components.preflight.join import join_sets
from components.step_context import StepContext, ended_by_errors
from components.train.step import TrainStepRequest, train
from ocr_lib.config.loader import load_config
from ocr_lib.data.labels.convert import convert
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.roles import SplitRule
from ocr_lib.errors import ServiceError
from ocr_lib.jobs import retry, snapshots
from ocr_lib.registry.champion import pin_champion
from ocr_lib.registry.garbage_collection import collect_garbage, store_time
from ocr_lib.registry.retention import DAY_S, RetentionPolicy
from ocr_lib.runspec.parameters import RunParameters
from ocr_lib.runspec.partition import DataPartition, PreflightSettings
from ocr_lib.serving.client import ServedRecognition
from ocr_lib.serving.feedback.export import TO_LABEL, read_corrections, write_data_set
from ocr_lib.serving.feedback.recorder import FeedbackRecorder
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage import s3_http, store_lease
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.artifacts import download
from ocr_lib.storage.store import Store
from ocr_lib.training import train as train_config
from tests.components.judged import LIMITS
from tests.components.packed import pack_lines, pack_source
from tests.components.run_specs import partition, run_spec, spec_ref
from tests.components.trained_run import put_into_production
from tests.faults.cases import HOLD_S
from tests.ocr_lib.training.line_data import small_options

TEXTS = [f"{i:03}" for i in range(0, 600, 7)]
RUN = "killed"
JUDGED = "judged"  # its champion is pinned and its test set predicted
BEFORE = "judged-before"  # and this one is evaluated
MODEL = "killed"
DIGITS = tuple("0123456789")
DOUBTFUL = TEXTS[:6]  # read by the served model with a low score
REFUSED = "the step"  # what the line of an error begins with
SILENCE_S = 2.0  # after which a store that may fail is given up
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000  # of Linux
TINY = ("Train.dataset.data_dir", "Eval.dataset.data_dir", "Global.save_model_dir")


@dataclass(frozen=True)
class World:
    """What every step starts from; `folder` holds local sources, `bucket` the store's objects."""

    folder: Path
    bucket: Path
    icdar: Path = Path()
    labels: tuple[ArtifactRef, ...] = ()
    to_label: DataPartition | None = None
    parts: tuple[ArtifactRef, ...] = ()
    train: ArtifactRef | None = None
    validation: ArtifactRef | None = None
    test: ArtifactRef | None = None
    spec: ArtifactRef | None = None
    model: ArtifactRef | None = None
    predictions: ArtifactRef | None = None
    evaluation: ArtifactRef | None = None
    settings: PreflightSettings | None = None


def tiny_overrides() -> list[str]:
    """Returns the options of a network that trains in seconds."""
    unset = Path("unset")
    options = small_options(
        unset, unset, unset,
        **{"Global.epoch_num": 2, "Global.save_step_every": 2, "Global.print_batch_step": 1},
    )  # fmt: skip
    return [option for option in options if not option.startswith(TINY)]


def build_world(store: Store, folder: Path, bucket: Path) -> World:
    """Makes the inputs of every step by running the steps before it, undisturbed."""
    from tests.components.line_images import write_icdar
    from tests.ocr_lib.serving.tiny_bundle import write_bundle

    world = World(folder, bucket, icdar=write_icdar(folder / "icdar", TEXTS[:40]))
    to_label = partition(store, world.icdar, split=SplitRule(share=0.15))
    labels, _ = gen_label(StepContext(store, folder / "labels-work"), to_label)
    parts = [
        *pack_source(store, folder / "train-1", TEXTS[:20]),
        *pack_source(store, folder / "train-2", TEXTS[20:48]),
    ]
    validation = pack_lines(store, folder / "validation", TEXTS[48:60])
    test = pack_lines(store, folder / "test", TEXTS[60:])
    joined = join_sets(StepContext(store, folder / "join"), [*parts, validation, test])
    spec = spec_ref(store, *tiny_overrides(), model_name=MODEL)
    settings = PreflightSettings.of(run_spec(*tiny_overrides(), model_name=MODEL))
    world = replace(
        world, labels=tuple(labels), to_label=replace(to_label, dataset_name="killed"),
        parts=(*parts, *pack_source(store, folder / "train-3", ["new"]), validation, test),
        train=joined.train, validation=joined.validation, test=joined.test,
        spec=spec, settings=settings,
    )  # fmt: skip
    download(store, joined.train, folder / "train-lmdb")
    assert joined.validation is not None
    download(store, joined.validation, folder / "validation-lmdb")
    put_into_production(store, MODEL, write_bundle(folder / "champion", DIGITS))
    model = _train(store, world, folder / "train-work", "trained")
    world = replace(world, model=model)
    predictions = _predict(store, world, folder / "predict-work", JUDGED)
    _record_doubtful(store, DOUBTFUL)
    pin_champion(store, BEFORE, MODEL)
    world = replace(world, predictions=predictions)
    return replace(world, evaluation=_evaluate(store, world, folder / "evaluate-work", BEFORE))


def context(store: Store, work: Path) -> StepContext:
    """Returns the surroundings of one attempt: an empty folder, as a pod has it."""
    work.mkdir(parents=True, exist_ok=True)
    return StepContext(store, Path(tempfile.mkdtemp(prefix="attempt-", dir=work)))


def _gen_label(store: Store, world: World, work: Path) -> None:
    assert world.to_label is not None
    gen_label(context(store, work), world.to_label)


def _gen_label_here(store: Store, world: World, work: Path) -> None:
    convert(world.icdar, work / "out")


def _pack(store: Store, world: World, work: Path) -> None:
    pack_lmdb(context(store, work), PackRequest(labels=world.labels))


def _pack_here(store: Store, world: World, work: Path) -> None:
    labels = work / "labels"
    convert(world.icdar, labels)
    pack(labels / "labels.txt", world.icdar, work / "out", shard_samples=8, role="train")


def _plan(store: Store, world: World, work: Path) -> None:
    parameters = RunParameters(
        train_data_uri=str(world.icdar),
        test_data_uri=str(world.folder / "test"),
        train_backend="local",
        model_name=MODEL,
    )
    plan(context(store, work), PlanRequest(run=RUN, parameters=parameters, images={}))


def _preflight(store: Store, world: World, work: Path) -> None:
    assert world.settings is not None
    attempt = context(store, work)
    sets = join_sets(attempt.below("joins"), world.parts)
    request = preflight_step.PreflightRequest(sets=sets, settings=world.settings)
    preflight_step.preflight(attempt, request)


def _train(store: Store, world: World, work: Path, run: str = RUN) -> ArtifactRef:
    """Trains in a working directory that stays, as the step's resume key asks for."""
    assert world.spec is not None
    assert world.train is not None
    work.mkdir(parents=True, exist_ok=True)
    request = TrainStepRequest(
        run=run, spec=world.spec, train=world.train, validation=world.validation
    )
    return train(StepContext(store, work), request)


def _train_on_another_node(store: Store, world: World, work: Path) -> None:
    """Trains with an empty disk at each attempt: all there is is what the store has."""
    _train(store, world, context(store, work).work_dir)


def _train_rank(store: Store, world: World, work: Path) -> None:
    """Trains as one of several processes, on local data; the environment names its rank."""
    train_data, validation = (world.folder / name for name in ("train-lmdb", "validation-lmdb"))
    keys = {"Global.epoch_num": 1, "Global.save_step_every": 2, "Global.print_batch_step": 1}
    options = small_options(train_data, validation, work / "out", **keys)
    train_config(load_config("cpu_line", options), quiet=True)


def _predict(store: Store, world: World, work: Path, run: str = RUN) -> ArtifactRef:
    assert world.model is not None
    assert world.test is not None
    request = PredictRequest(
        run=run,
        model=world.model,
        test=world.test,
        rows=range(0, int(world.test.metadata["samples"])),
        model_name=MODEL,
    )
    return predict_partition(context(store, work), request)


def _evaluate(store: Store, world: World, work: Path, run: str = JUDGED) -> ArtifactRef:
    assert world.predictions is not None
    request = evaluate_request(world, run, [world.predictions])
    return evaluate(context(store, work), request)[1]


def evaluate_request(world: World, run: str, predictions: Sequence[ArtifactRef]) -> EvaluateRequest:
    """Returns what judges the world's model, whatever machine it is timed on."""
    assert world.model is not None
    assert world.train is not None
    assert world.test is not None
    return EvaluateRequest(
        run=run,
        model=world.model,
        train=world.train,
        validation=world.validation,
        test=world.test,
        predictions=predictions,
        limits=replace(LIMITS, max_latency_ratio=1000.0, max_size_ratio=1000.0),
    )


def _export(store: Store, world: World, work: Path) -> None:
    assert world.spec is not None
    assert world.model is not None
    assert world.validation is not None
    assert world.evaluation is not None
    request = ExportRequest(
        spec=world.spec, model=world.model, images=world.validation, evaluation=world.evaluation
    )
    export(context(store, work), request)


def _upload(store: Store, world: World, work: Path) -> None:
    store.put_tree(world.icdar, "uploads/lines")


def _replace_upload(store: Store, world: World, work: Path) -> None:
    """Uploads another content under a prefix that has a tree already."""
    store.put_tree(world.folder / "champion", world.labels[0].uri)


def _download(store: Store, world: World, work: Path) -> None:
    assert world.train is not None
    store.get_tree(world.train.uri, work / "out")


def _gc(store: Store, world: World, work: Path) -> None:
    """Deletes what nothing needs in a year from now."""
    store_lease.HOLD_S = HOLD_S
    collect_garbage(store, RetentionPolicy(), store_time(store) + 400 * DAY_S)


def _record_doubtful(store: Store, texts: Sequence[str]) -> None:
    """Records lines as a client does, which no fault of the store may hold up."""
    from tests.ocr_lib.serving.tiny_bundle import line_image

    with FeedbackRecorder(store, MODEL) as recorder:
        for text in texts:
            image = line_image(text, DIGITS)
            recorder.offer(image, ServedRecognition(text, 0.1, (), None, version=1))
    if recorder.problem:
        raise ServiceError(recorder.problem)


def _feedback_record(store: Store, world: World, work: Path) -> None:
    _record_doubtful(store, [f"{text}{text}" for text in DOUBTFUL])


def _feedback_export(store: Store, world: World, work: Path) -> None:
    write_data_set(FeedbackStore(store, MODEL), work / "out/feedback")


def _feedback_correct(store: Store, world: World, work: Path) -> None:
    """Writes what a person filled into the list of an export."""
    lines = list(FeedbackStore(store, MODEL).lines())
    work.mkdir(parents=True, exist_ok=True)
    rows = [f"images/{line.name}.png\t{line.recognition.text[::-1]}\n" for line in lines]
    (work / TO_LABEL).write_text("".join(rows), "utf-8")
    read_corrections(FeedbackStore(store, MODEL), work / TO_LABEL)


RANKS = {"train-2": 2}  # processes of a step that is not one
STEPS: dict[str, Callable[[Store, World, Path], object]] = {
    "gen-label": _gen_label,
    "gen-label-here": _gen_label_here,
    "pack": _pack,
    "pack-here": _pack_here,
    "plan": _plan,
    "preflight": _preflight,
    "train": _train,
    "train-elsewhere": _train_on_another_node,
    "train-2": _train_rank,
    "predict": _predict,
    "evaluate": _evaluate,
    "export": _export,
    "upload": _upload,
    "replace-upload": _replace_upload,
    "download": _download,
    "gc": _gc,
    "feedback-record": _feedback_record,
    "feedback-export": _feedback_export,
    "feedback-correct": _feedback_correct,
}


def run_harmed_step(step: str, world: World, work: Path, disk_kib: int = 0) -> None:
    """Runs one step whose store may fail, with shorter deadlines; for a child process."""
    s3_http.SMALL_S = s3_http.ANSWER_S = 4.0
    retry.STORE_AWAY_S, retry.RETRY_S = 3.0, 0.5
    snapshots.PERIOD_S = 0.2  # training takes less than a second
    run_step(step, world, work, SILENCE_S, disk_kib)


def run_step(
    step: str, world: World, work: Path, timeout_s: float = 30.0, disk_kib: int = 0
) -> None:
    """Runs one step; for a child process. An error of the project is a line and its exit code.

    Args:
        step: one of `STEPS`.
        world: what it starts from.
        work: the folder to work in.
        timeout_s: of the store's answers.
        disk_kib: size of the disk that `work` and temporary files are on; 0 for this machine's.
    """
    work.mkdir(parents=True, exist_ok=True)
    if disk_kib:
        mount_small_disk(work, disk_kib)
        tempfile.tempdir = str(work)
    with ended_by_errors(REFUSED):
        STEPS[step](Store.from_env(timeout_s=timeout_s), world, work)


def mount_small_disk(folder: Path, kib: int) -> None:
    """Puts a real file system of this size at a folder, for this process alone.

    Raises:
        OSError: this machine gives no name space of one's own.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _checked(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    options = f"size={kib}k".encode()
    _checked(libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, options))


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), "no name space of one's own")


def digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file below a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
