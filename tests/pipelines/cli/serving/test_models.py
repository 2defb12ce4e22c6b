"""`ocr models` on a real store."""

import json

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.registry.production import record_version
from ocr_lib.storage.store import Store
from tests.pipelines.cli.command import call


def test_versions_are_listed_compared_and_kept(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="there is no version of listed"):
        call("models", "list", "--model", "listed")
    for digest, accuracy in (("a" * 64, 0.5), ("b" * 64, 0.75)):
        record_version(store, "listed", f"s3://ocr/{digest[:3]}", digest, {"accuracy": accuracy})
    assert call("models", "list", "--model", "listed") == 0
    rows = [row.split() for row in capsys.readouterr().out.splitlines()]
    assert [(row[0], *row[2:]) for row in rows] == [
        ("1", "a" * 12, "0.5000", "s3://ocr/aaa"),
        ("2", "b" * 12, "0.7500", "s3://ocr/bbb"),
    ]
    assert call("models", "diff", 1, 2, "--model", "listed") == 0
    rows = [row.split("\t") for row in capsys.readouterr().out.splitlines()]
    assert ["version", "1", "2"] in rows
    assert call("models", "show", 2, "--model", "listed") == 0
    assert json.loads(capsys.readouterr().out)["digest"] == "b" * 64
    with pytest.raises(ConfigError, match="version 3"):
        call("models", "show", 3, "--model", "listed")
