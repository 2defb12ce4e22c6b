"""Configurations and data for the preflight, and what it should say of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocr_lib.config.loader import config_from_dict
from ocr_lib.config.schema import Config
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


def block(folder: Path, *lists: Path) -> dict[str, Any]:
    return {
        "dataset": {
            "data_dir": str(folder),
            "label_file_list": [str(file) for file in lists],
            "transforms": [{"RecResizeImg": {"image_shape": [3, 32, 320]}}],
        }
    }


def config(folder: Path, train: Path, evaluation: Path) -> Config:
    settings = {
        "character_dict_path": "en",
        "use_space_char": True,
        "save_model_dir": str(folder / "runs/a"),
    }
    return config_from_dict(
        {
            "Global": settings,
            "Architecture": CRNN,
            "Train": block(folder, train),
            "Eval": block(folder, evaluation),
        }
    )


def changed(config: Config, **keys: Any) -> Config:
    """Returns a configuration with other values of dotted keys."""
    values = config.as_dict()
    for key, value in keys.items():
        *blocks, last = key.split(".")
        block = values
        for name in blocks:
            block = block[name]
        block[last] = value
    return config_from_dict(values)


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
