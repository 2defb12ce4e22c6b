from pathlib import Path

import pytest

from components.step_context import StepContext
from components.train.step import train
from ocr_lib.config.schema import Config
from ocr_lib.errors import OcrError
from ocr_lib.jobs.training_job import TrainJob
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from ocr_lib.training import RunResult, checkpoint
from tests.components.packed import pack_lines


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
def lines(store: Store, tmp_path: Path) -> tuple[ArtifactRef, ArtifactRef]:
    return (
        pack_lines(store, tmp_path / "train", ["abc", "b"]),
        pack_lines(store, tmp_path / "validation", ["ab"]),
    )


def test_a_second_attempt_goes_on_and_uploads_the_run(
    backend: Backend, lines: tuple[ArtifactRef, ArtifactRef], store: Store, tmp_path: Path
) -> None:
    job = TrainJob("retried", "cpu_line")
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(OcrError, match="went away"):
        train(StepContext(store, work), job, *lines)
    pointer = train(StepContext(store, work), job, *lines)
    assert pointer.uri == store.uri("runs/retried")
    assert pointer.metadata["steps"] == 10
    assert pointer.metadata["checkpoint"] == "latest"  # no evaluation was better than none
    assert store.list("runs/retried/snapshots/") == []
    first, second = backend.configs
    assert first == second  # the trainer refuses to go on with another configuration


def test_the_configuration_is_the_users_on_the_data_of_the_run(
    backend: Backend, lines: tuple[ArtifactRef, ArtifactRef], store: Store, tmp_path: Path
) -> None:
    config = tmp_path / "mine.yml"
    config.write_text("base: cpu_line\nGlobal: {print_batch_step: 7}\n")
    (tmp_path / "w.pdparams").write_bytes(b"weights")
    job = TrainJob(
        "own",
        store.put_file(config, "configs/mine.yml"),
        ("Global.seed=5",),
        minutes=3.0,
        pretrained_uri=store.put_file(tmp_path / "w.pdparams", "weights/w.pdparams"),
    )
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(OcrError):
        train(StepContext(store, work), job, *lines)
    settings = backend.configs[0].global_
    assert (settings.print_batch_step, settings.seed, settings.train_minutes) == (7, 5, 3.0)
    assert Path(str(settings.pretrained_model)).read_bytes() == b"weights"
    assert backend.configs[0].train.dataset.data_dir == str(work / "train")
    assert backend.configs[0].eval.dataset.data_dir == str(work / "validation")


def test_without_a_validation_set_none_is_configured(
    backend: Backend, lines: tuple[ArtifactRef, ArtifactRef], store: Store, tmp_path: Path
) -> None:
    job = TrainJob("no-validation", "cpu_line")
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(OcrError, match="went away"):
        train(StepContext(store, work), job, lines[0], None)
    pointer = train(StepContext(store, work), job, lines[0], None)
    assert not backend.configs[0].eval.dataset.named
    assert pointer.metadata["checkpoint"] == "latest"
    assert pointer.metadata["validation_digest"] == ""
