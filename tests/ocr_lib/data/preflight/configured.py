"""Configurations and data for the preflight, and what it should say of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ocr_lib.config.schema import ComponentConfig
from ocr_lib.data.preflight import Finding, PreflightReport
from tests.ocr_lib.data.lines import image, write_lines

CRNN = {
    "model_type": "rec",
    "algorithm": "CRNN",
    "Backbone": {"name": "MobileNetV3", "scale": 0.5, "model_name": "small"},
    "Neck": {"name": "SequenceEncoder", "encoder_type": "rnn"},
    "Head": {"name": "CTCHead"},
}


GOOD = [f"word {i}" for i in range(40)]


def block(folder: Path, *lists: Path) -> SimpleNamespace:
    return SimpleNamespace(
        dataset=SimpleNamespace(
            kind="SimpleDataSet",
            named=bool(lists),
            data_dir=str(folder),
            label_file_list=tuple(map(str, lists)),
            ratio_list=(1.0,) * len(lists),
            delimiter="\t",
            transforms=(ComponentConfig("RecResizeImg", {"image_shape": [3, 32, 320]}),),
        )
    )


def config(folder: Path, train: Path, evaluation: Path, **keys: Any) -> SimpleNamespace:
    settings = {
        "character_dict_path": "en",
        "use_space_char": True,
        "max_text_length": 25,
        "width_buckets": None,
        "save_model_dir": str(folder / "runs/a"),
        "distributed": False,
    }
    return SimpleNamespace(
        global_=SimpleNamespace(**settings | keys),
        architecture=CRNN,
        train=block(folder, train),
        eval=block(folder, evaluation),
    )


def wide(folder: Path, labels: Sequence[str], name: str, first: int = 0) -> Path:
    """Writes lines whose images are wide enough for any label here, all different."""
    path = write_lines(folder, labels, name)
    for i in range(len(labels)):
        (folder / f"images/{name}_{i}.jpg").write_bytes(image(first + i, 320, 32))
    return path


def causes(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.check}: {finding.cause}" for finding in findings]


def check(report: PreflightReport, problem: str) -> Finding:
    """Asserts that there is one problem and returns it; the report's two forms have it."""
    assert len(report.problems) == 1, causes(report.problems)
    finding = report.problems[0]
    assert problem in f"{finding.check}: {finding.cause}"
    assert not report.passed
    assert report.markdown().startswith("# Preflight failed")
    assert json.loads(json.dumps(report.to_dict()))["problems"][0]["cause"] == finding.cause
    return finding
