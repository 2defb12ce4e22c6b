import re
from dataclasses import fields
from pathlib import Path

import pytest

from ocr_lib.config.parse import key_of, keys_of
from ocr_lib.config.schema import GlobalConfig
from ocr_lib.config.strict_yaml import parse
from ocr_lib.optim.optimizers import OPTIMIZERS
from ocr_lib.optim.schedules import SCHEDULES

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_key_of_global_is_listed_with_its_default(page):
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*?)\|", page, re.MULTILINE))
    for item in keys_of(GlobalConfig):
        written, _ = parse(rows[item.name], "configuration.md")
        default = list(item.default) if isinstance(item.default, tuple) else item.default
        assert written == default, item.name
    assert {f.name for f in fields(GlobalConfig)} - set(rows) == {"ignored_keys"}


def test_every_schedule_and_optimiser_is_named(page):
    for name, schedule in SCHEDULES.items():
        assert f"`{name}`" in page
        for item in keys_of(schedule):
            assert f"`{key_of(item)}`" in page
    for name in OPTIMIZERS:
        assert name in page
