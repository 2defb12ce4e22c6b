"""docs/gate.md states the gate's defaults."""

import re
from dataclasses import fields
from pathlib import Path

import ocr_lib
from ocr_lib.gate.thresholds import Thresholds
from ocr_lib.runspec.options import GateOptions

ROOT = Path(ocr_lib.__file__).parents[1]


def stated_defaults(prefix: str) -> dict[str, float | str]:
    """Returns name → default of the table of checks, for names that are written with a prefix."""
    text = (ROOT / "docs" / "gate.md").read_text("utf-8")
    table = text.split("| check | passes when | default |")[1].split("\n\n")[0]
    pairs = re.findall(rf"`{re.escape(prefix)}(\w+)` ([\w.]+)", table)
    return {name: value if value.isalpha() else float(value) for name, value in pairs}


def test_the_table_of_checks_states_every_default() -> None:
    assert stated_defaults("") == {item.name: item.default for item in fields(Thresholds)}


def test_the_table_of_checks_states_the_defaults_that_the_pipeline_changes() -> None:
    changed = {
        item.name: item.default
        for item in fields(GateOptions)
        if item.default != getattr(Thresholds(), item.name)
    }
    assert stated_defaults("options.gate.") == changed
