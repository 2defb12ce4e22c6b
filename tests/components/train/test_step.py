from pathlib import Path

import pytest

from components.step_context import StepContext
from components.train.step import TrainStepRequest, train
from ocr_lib.config.schema import Config
from ocr_lib.errors import DataError, OcrError
from ocr_lib.runspec.parameters import parse_parameters
from ocr_lib.runspec.resolve import resolve
from ocr_lib.runspec.spec_store import save_spec
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.store import Store
from ocr_lib.training import RunResult, checkpoint
from tests.components.packed import pack_lines
from tests.components.run_specs import spec_ref

Lines = tuple[ArtifactRef, ArtifactRef]


class Backend:
    """Trains five steps at a time; the first attempt fails after its first checkpoint."""

    def __init__(self) -> None:
        self.configs: list[Config] = []

    def __call__(self, config: Config) -> RunResult:
        self.configs.append(config)
        run_dir = Path(config.global_.save_model_dir)
        run_dir.mkdir(exist_ok=True)
        begun = checkpoint.exists(run_dir / "latest")
        start = checkpoint.load(run_dir / "latest").states["global_step"] if begun else 0
        checkpoint.save(run_dir / "latest", {}, {}, {"global_step": start + 5})
        if not begun:
            raise OcrError("the machine went away")
        return RunResult(run_dir, 1, start + 5, 20, {}, 1.0, start)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    backend = Backend()
    monkeypatch.setattr("ocr_lib.training.train", backend)
    return backend


@pytest.fixture
def lines(store: Store, tmp_path: Path) -> Lines:
    train, validation = tmp_path / "train", tmp_path / "validation"
    return pack_lines(store, train, ["abc", "b"]), pack_lines(store, validation, ["ab"])


@pytest.fixture
def context(store: Store, tmp_path: Path) -> StepContext:
    (tmp_path / "work").mkdir()
    return StepContext(store, tmp_path / "work")


def request(
    run: str, spec: ArtifactRef, train: ArtifactRef, validation: ArtifactRef | None
) -> TrainStepRequest:
    return TrainStepRequest(run=run, spec=spec, train=train, validation=validation)


def test_a_second_attempt_goes_on_and_uploads_the_run(
    backend: Backend, lines: Lines, context: StepContext
) -> None:
    store = context.store
    asked = request("retried", spec_ref(store), *lines)
    with pytest.raises(OcrError, match="went away"):
        train(context, asked)
    pointer = train(context, asked)
    assert pointer.uri == store.uri("runs/retried")
    assert pointer.metadata["steps"] == 10
    assert pointer.metadata["checkpoint"] == "latest"  # no evaluation was better than none
    assert pointer.metadata["spec_digest"] == asked.spec.digest
    assert store.list("runs/retried/snapshots/") == []
    first, second = backend.configs
    assert first == second  # the trainer refuses to go on with another configuration


@pytest.fixture
def pinned(store: Store, tmp_path: Path) -> ArtifactRef:
    """The spec of a run with a configuration and weights of the user's own."""
    (tmp_path / "mine.yml").write_text("base: cpu_line\nGlobal: {print_batch_step: 7}\n")
    parameters = parse_parameters(
        {
            "config": store.put_file(tmp_path / "mine.yml", "configs/mine.yml"),
            "train_minutes": 3.0,
            "train_data_uri": str(tmp_path / "mine.yml"),
            "test_data_uri": str(tmp_path / "mine.yml"),
            "pretrained_uri": store.uri("pretrained/mine.pdparams"),
            "options": {"config_overrides": ["Global.seed=5"]},
        }
    )
    store.put_bytes("pretrained/mine.pdparams", b"weights")
    return save_spec(store, resolve(store, parameters, "local", {}, tmp_path / "plan"))


def test_the_configuration_is_the_resolved_one_on_the_data_of_the_run(
    backend: Backend, lines: Lines, context: StepContext, pinned: ArtifactRef
) -> None:
    with pytest.raises(OcrError, match="went away"):
        train(context, request("resolved", pinned, *lines))
    settings = backend.configs[0].global_
    assert (settings.print_batch_step, settings.seed, settings.train_minutes) == (7, 5, 3.0)
    assert Path(str(settings.pretrained_model)).read_bytes() == b"weights"
    work_dir = context.work_dir
    assert backend.configs[0].train.dataset.data_dir == str(work_dir / "train")
    assert backend.configs[0].eval.dataset.data_dir == str(work_dir / "validation")


def test_a_configuration_that_changed_since_the_plan_has_no_effect(
    backend: Backend, lines: Lines, context: StepContext, pinned: ArtifactRef
) -> None:
    context.store.put_bytes("configs/mine.yml", b"base: cpu_line\nGlobal: {print_batch_step: 8}\n")
    with pytest.raises(OcrError, match="went away"):
        train(context, request("changed-config", pinned, *lines))
    assert backend.configs[0].global_.print_batch_step == 7


def test_weights_that_changed_since_the_plan_are_refused(
    backend: Backend, lines: Lines, context: StepContext, pinned: ArtifactRef
) -> None:
    context.store.put_bytes("pretrained/mine.pdparams", b"other weights")
    with pytest.raises(DataError, match=r"mine\.pdparams: .* it was changed since\. Restore it"):
        train(context, request("changed-weights", pinned, *lines))
    assert backend.configs == []


def test_a_spec_that_was_replaced_is_refused(
    backend: Backend, lines: Lines, context: StepContext, pinned: ArtifactRef
) -> None:
    context.store.put_bytes(f"specs/{pinned.digest}.json", b"{}")
    with pytest.raises(DigestError, match="damaged or replaced"):
        train(context, request("replaced", pinned, *lines))
    context.store.remove(f"specs/{pinned.digest}.json")
    assert backend.configs == []


def test_without_a_validation_set_none_is_configured(
    backend: Backend, lines: Lines, context: StepContext
) -> None:
    asked = request("no-validation", spec_ref(context.store), lines[0], None)
    with pytest.raises(OcrError, match="went away"):
        train(context, asked)
    pointer = train(context, asked)
    assert not backend.configs[0].eval.dataset.named
    assert pointer.metadata["checkpoint"] == "latest"
    assert pointer.metadata["validation_digest"] == ""
