"""Several networks trained together: stopped and resumed, frozen, pretrained, exported, read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocr_lib.errors import CheckpointError, ConfigError
from ocr_lib.export import export
from ocr_lib.inference.bundle import Bundle
from ocr_lib.training import checkpoint, load_run, train
from tests.ocr_lib.training.line_data import (
    assert_equal_runs,
    make_lines,
    metrics,
    params,
    train_until,
)
from tests.ocr_lib.training.other_networks import distillation_config, network
from tests.pipelines.cli.command import call

Data = tuple[Path, Path]
THREE = {"Teacher": network(), "Student": network(width=4), "Student2": network(width=4)}
THREE_LOSSES = """[
{DistillationCTCLoss: {weight: 1.0, model_name_list: [Student, Student2], key: head_out}},
{DistillationDMLLoss: {weight: 1.0, act: softmax, use_log: true, key: head_out,
model_name_pairs: [[Student, Student2]]}},
{DistillationDistanceLoss: {weight: 0.5, mode: l2, key: backbone_out,
model_name_pairs: [[Student, Teacher], [Student2, Teacher]]}}]"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 40, seed=1), make_lines(root / "eval", 10, seed=2)


@pytest.fixture(scope="module")
def run_dir(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(distillation_config(*data, folder), quiet=True)
    return folder


def of(name: str, run_dir: Path) -> dict[str, np.ndarray]:
    prefix = f"{name}."
    found = params(run_dir)
    return {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}


def test_losses_carry_paddleocrs_names(run_dir: Path) -> None:
    rows = metrics(run_dir)
    row = next(row for row in rows if row["kind"] == "train")
    assert {
        "loss_ctc_Student_0",
        "loss_ctc_Teacher_1",
        "dml_0",
        "loss_distance_l2_Student_Teacher_0",
        "acc",
    } <= set(row)
    assert all("acc" in row for row in rows if row["kind"] == "eval")


def test_both_networks_are_in_one_checkpoint(run_dir: Path) -> None:
    names = {name.partition(".")[0] for name in params(run_dir)}
    assert names == {"Student", "Teacher"}
    student, teacher = of("Student", run_dir), of("Teacher", run_dir)
    assert set(student) == set(teacher)
    assert any(not np.array_equal(student[name], teacher[name]) for name in student)


@pytest.mark.parametrize("step", [3, 8])
def test_a_stopped_run_ends_as_an_uninterrupted_one(
    data: Data, run_dir: Path, tmp_path: Path, step: int
) -> None:
    config = distillation_config(*data, tmp_path / "run", **{"Global.save_step_every": 2})
    train_until(config, step)
    assert 0 < train(config, quiet=True).resumed_from <= step
    assert_equal_runs(run_dir, tmp_path / "run")


def frozen_config(data: Data, folder: Path, teacher: Path) -> Any:
    networks = {
        "Teacher": network(frozen=True, pretrained=str(teacher)),
        "Student": network(width=4),
    }
    losses = """[{DistillationCTCLoss: {weight: 1.0, model_name_list: [Student], key: head_out}},
        {DistillationDistanceLoss: {weight: 1.0, mode: l2, key: backbone_out,
        model_name_pairs: [[Student, Teacher]]}}]"""
    return distillation_config(*data, folder, networks, **{"Loss.loss_config_list": losses})


def test_a_frozen_teacher_starts_from_its_weights_and_keeps_every_byte(
    data: Data, run_dir: Path, tmp_path: Path
) -> None:
    """Weights and batch statistics; the student learns beside it."""
    result = train(frozen_config(data, tmp_path / "run", run_dir / "latest"), quiet=True)
    assert result.steps == 10
    before, after = of("Teacher", run_dir), of("Teacher", tmp_path / "run")
    assert any(name.endswith("_variance") for name in before)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)
    log = (tmp_path / "run/train.log").read_text("utf-8")
    assert "pretrained weights for Teacher from" in log
    optimizer = checkpoint.load(tmp_path / "run/latest").optimizer
    assert not any("teacher" in key.lower() for key in optimizer)


def test_a_pretrained_file_of_one_network_fits_by_its_own_names(
    data: Data, run_dir: Path, tmp_path: Path
) -> None:
    teacher = of("Teacher", run_dir)
    checkpoint.save(tmp_path / "alone", teacher, {}, {})
    train(frozen_config(data, tmp_path / "run", tmp_path / "alone"), quiet=True)
    for name, value in teacher.items():
        np.testing.assert_array_equal(of("Teacher", tmp_path / "run")[name], value)


def test_a_pretrained_file_that_is_missing_is_named(data: Data, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        train(frozen_config(data, tmp_path / "run", tmp_path / "nowhere"), quiet=True)


def test_a_teacher_and_two_students(data: Data, tmp_path: Path) -> None:
    config = distillation_config(
        *data, tmp_path / "run", THREE, **{"Loss.loss_config_list": THREE_LOSSES}
    )
    train(config, quiet=True)
    row = metrics(tmp_path / "run")[0]
    assert {"loss_ctc_Student2_1", "loss_distance_l2_Student2_Teacher_1"} <= set(row)


def test_each_network_is_exported_and_the_student_is_the_one_that_counts(
    run_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert call("export", run_dir, out, "--checkpoint", "latest") == 0
    assert {path.name for path in out.iterdir()} == {"Student", "Teacher"}
    alone = export(run_dir, tmp_path / "student", checkpoint="latest")
    student, teacher = (
        Bundle.open(out / name).info["files"]["model.onnx"] for name in ("Student", "Teacher")
    )
    assert alone.info["files"]["model.onnx"] == student != teacher
    weights = of("Student", run_dir)
    for name, value in load_run(run_dir, "latest").model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), weights[name])


def test_networks_that_the_metric_does_not_know_are_named(data: Data, tmp_path: Path) -> None:
    config = distillation_config(*data, tmp_path / "run", **{"Metric.key": "Pupil"})
    with pytest.raises(ConfigError, match="no network 'Pupil'"):
        train(config, quiet=True)


def test_heads_with_labels_of_two_codes_are_refused(data: Data, tmp_path: Path) -> None:
    multi = "{name: MultiHead, head_list: [{CTCHead: {Neck: {name: reshape}}}, {%s: {}}]}"
    keys = {
        f"Architecture.Models.{name}.Head": multi % head
        for name, head in (("Student", "SARHead"), ("Teacher", "NRTRHead"))
    }
    with pytest.raises(ConfigError, match="nrtr and sar heads need labels of different codes"):
        train(distillation_config(*data, tmp_path / "run", **keys), quiet=True)
