from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from kfp import dsl

from components.preflight.component import preflight
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.runspec.config import resolve_config
from ocr_lib.runspec.partition import PreflightSettings
from ocr_lib.runspec.spec import RunSpec
from ocr_lib.runspec.spec_store import save_spec
from ocr_lib.storage.artifact_ref import ArtifactRef, read_optional_ref, write_refs
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines
from tests.components.run_specs import run_spec

TRAIN = [f"TOTAL {n}.50" for n in range(20)]
VALIDATION = [f"CASH {n}.0" for n in range(5)]
TEST = ["a label that is longer than the configuration wants", "Ω"]


class Lines(NamedTuple):
    """The three sets; the test set would fail every check of labels."""

    train: ArtifactRef
    validation: ArtifactRef | None
    test: ArtifactRef


@pytest.fixture
def lines(store: Store, tmp_path: Path) -> Lines:
    parts = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
    return Lines(*(pack_lines(store, tmp_path / role, labels) for role, labels in parts.items()))


def run(folder: Path, lines: Lines, *overrides: str) -> str:
    spec = run_spec(*overrides)
    save_spec(Store.from_env(), spec)
    return check(folder, lines, spec)


def check(folder: Path, lines: Lines, spec: RunSpec) -> str:
    folder.mkdir()
    shards = dsl.Dataset(uri=str(folder / "shards"))
    write_refs(shards, [part for part in lines if part])
    outputs = {f"{role}_lmdb": dsl.Dataset(uri=str(folder / role)) for role in Lines._fields}
    report = dsl.Markdown(uri=str(folder / "report"))
    settings = PreflightSettings.of(spec).to_dict()
    shared = preflight.python_func(shards=[shards], **outputs, report=report, settings=settings)
    assert shared == [{"first": 0, "last": 2}]
    found = tuple(map(read_optional_ref, outputs.values()))
    assert found == lines  # a single part is handed on as it is
    return Path(report.path).read_text("utf-8")


def test_good_data_passes_with_a_report(
    lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run(tmp_path / "out", lines)
    assert report.startswith("# Preflight passed")
    assert "| validation | 5 | chooses the checkpoint |" in report
    assert "With 2 test samples the gate finds a drop in accuracy of 1 point with" in report
    assert "characters that no training label has" in capsys.readouterr().err  # the C of CASH


def test_the_dictionary_is_that_of_the_plan(
    store: Store, lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dictionary = tmp_path / "mine.txt"
    dictionary.write_text("".join(f"{character}\n" for character in "TOALCSH0123456789."))
    override = f"Global.character_dict_path={dictionary}"
    spec = replace(run_spec(), config=resolve_config(store, "cpu_line", [override], 0.0, tmp_path))
    save_spec(store, spec)
    dictionary.unlink()
    with pytest.raises(SystemExit):  # the planned one has no space
        check(tmp_path / "out", lines, spec)
    assert "characters outside the dictionary: space (U+0020" in capsys.readouterr().err


def test_data_that_the_configuration_cannot_learn_stops_the_run(
    lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path / "out", lines, "Global.max_text_length=5")
    assert exit_.value.code == 2
    assert "labels are longer than 5 characters" in capsys.readouterr().err


def test_a_configuration_that_was_replaced_in_the_store_is_refused(
    store: Store, lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = run_spec("Global.seed=77")
    save_spec(store, spec)
    key = f"specs/configs/{spec.config.digest}.yml"
    store.put_bytes(key, run_spec("Global.seed=78").config.yaml.encode())
    with pytest.raises(SystemExit):
        check(tmp_path / "out", lines, spec)
    assert f"{key}: its SHA-256 is" in capsys.readouterr().err
    store.remove(key)


def test_without_a_validation_set_the_run_goes_on_and_says_so(
    lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run(tmp_path / "out", lines._replace(validation=None))
    assert "| validation | 0 | chooses the checkpoint |" in report
    assert "No validation set was asked for" in report
    assert "the result will be the last checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("role", ["train", "validation"])
def test_a_test_image_that_was_used_before_stops_the_run(
    store: Store, lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    used = TRAIN if role == "train" else VALIDATION
    leaky = pack_lines(store, tmp_path / "leaky", [*TEST, used[2]], "test")
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path / "out", lines._replace(test=leaky))
    assert exit_.value.code == 2
    assert f"1 of 3 test images are {role} images too" in capsys.readouterr().err


def test_no_test_image_is_read_where_none_is_leaked(
    lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = LmdbDataset.__init__

    def init(self: LmdbDataset, root: Path, *arguments: object) -> None:
        real(self, root, *arguments)  # type: ignore[arg-type]
        opened.append(self.manifest.role)

    monkeypatch.setattr(LmdbDataset, "__init__", init)
    run(tmp_path / "out", lines)
    assert set(opened) == {"train", "validation"}
