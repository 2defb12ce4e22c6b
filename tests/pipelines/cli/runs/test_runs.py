import json
from dataclasses import replace

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.runspec.spec_store import pin_spec
from ocr_lib.storage.store import Store
from tests.ocr_lib.runspec.specs import config, source, spec
from tests.pipelines.cli.command import call

Capture = pytest.CaptureFixture[str]
OTHER = replace(
    spec(), config=config("Global.epoch_num=3"), pretrained=None, test_data=(source("other.tar"),)
)


@pytest.fixture(autouse=True)
def _runs(store: Store) -> None:
    pin_spec(store, "shown-a", spec())
    pin_spec(store, "shown-b", OTHER)


def test_a_run_is_shown_with_its_final_values(capsys: Capture) -> None:
    assert call("runs", "show", "shown-a") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"# run spec {spec().digest}"
    text = "\n".join(lines)
    assert f"s3://ocr/sources/a.tar: {{digest: {'ab' * 32}, bytes: 7}}" in text
    assert "\n    epoch_num: " in text


def test_json_is_the_document(capsys: Capture) -> None:
    for name in ("shown-a", spec().digest):
        assert call("runs", "show", name, "--json") == 0
        assert json.loads(capsys.readouterr().out) == spec().to_dict()


def test_two_runs_differ_key_by_key(capsys: Capture) -> None:
    assert call("runs", "diff", "shown-a", "shown-b") == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("config.Global.epoch_num: ") and "-> 3" in line for line in lines)
    assert 'pretrained.uri: "s3://ocr/pretrained/w.pdparams" -> -' in lines
    assert any(line.startswith("test_data.s3://ocr/other.tar.digest: - -> ") for line in lines)
    assert call("runs", "diff", "shown-a", "shown-b", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {"key", "before", "after"} == set(found[0])
    assert len(found) == len(lines)


def test_a_run_and_itself_do_not_differ(capsys: Capture) -> None:
    assert call("runs", "diff", "shown-a", "shown-a") == 0
    assert capsys.readouterr().out == ""


def test_a_run_without_a_spec_is_named() -> None:
    with pytest.raises(ConfigError, match="nosuch: no run spec of that name in the object store"):
        call("runs", "show", "nosuch")
