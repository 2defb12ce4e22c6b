import json
from dataclasses import replace
from typing import Any

import pytest

from ocr_lib.config.location import SourceLocation
from ocr_lib.errors import ConfigError
from ocr_lib.runspec.options import parse_options
from ocr_lib.runspec.spec import RunSpec, diff, parse
from tests.ocr_lib.runspec.specs import config, source, spec

HERE = SourceLocation((), {(): "s3://ocr/specs/1.json"})


def test_what_is_written_is_read_as_equal_with_the_same_digest() -> None:
    read = parse(json.loads(spec().to_json()), HERE)
    assert read == spec()
    assert read.digest == spec().digest
    least = replace(spec(), pretrained=None, images={}, triton_urls=())
    assert parse(json.loads(least.to_json()), HERE) == least


def test_the_digest_is_that_of_the_values_in_whatever_order_they_come() -> None:
    values = spec().to_dict()
    backwards = dict(reversed(values.items()))
    assert parse(backwards, HERE).digest == spec().digest
    assert spec().to_json() == json.dumps(
        values, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode("utf-8")


CHANGES: dict[str, RunSpec] = {
    "config.Global.epoch_num": replace(spec(), config=config("Global.epoch_num=3")),
    "model_name": replace(spec(), model_name="other"),
    "train_workers": replace(spec(), train_workers=5),
    "train_data.s3://ocr/sources/b.tar.digest": replace(
        spec(), train_data=(source("sources/a.tar"), replace(source("sources/b.tar"), digest="x"))
    ),
    "options.gate.min_samples": replace(
        spec(),
        options=parse_options(
            {"gate": {"min_samples": 7}, "config_overrides": ["Global.epoch_num=3"]}
        ),
    ),
}


@pytest.mark.parametrize("key", CHANGES)
def test_a_difference_is_named_by_its_key(key: str) -> None:
    (found,) = diff(spec(), CHANGES[key])
    assert found.key == key
    assert found.before != found.after
    assert CHANGES[key].digest != spec().digest


def test_equal_specs_do_not_differ_and_what_is_absent_is_none() -> None:
    assert diff(spec(), spec()) == []
    found = diff(spec(), replace(spec(), pretrained=None))
    assert {item.key: item.after for item in found} == {
        f"pretrained.{name}": None for name in ("uri", "digest", "of", "bytes")
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version: is 2, and this release reads 1. Use the release"),
        ({"model_nam": "x"}, "model_nam: is not a known key. The nearest known name is model_name"),
        ({"train_workers": "many"}, "train_workers: is 'many'. Write a whole number"),
        ({"train_backend": "horovod"}, "train_backend: is 'horovod', which is not known"),
        ({"train_data": [{"uri": "x"}]}, "train_data.0.digest: is missing"),
        ({"options": {"gate": {"proof": "maybe"}}}, "options.gate.proof: is 'maybe'"),
    ],
)
def test_a_document_that_does_not_hold_together_is_named(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        parse({**spec().to_dict(), **change}, HERE)
    assert message in str(error.value)
    assert str(error.value).startswith("s3://ocr/specs/1.json: ")


def test_inputs_change_with_what_the_model_learns_from_alone() -> None:
    changed = {
        "training data": replace(spec(), train_data=spec().train_data[:1]),
        "validation data": replace(spec(), options=parse_options({"split": {"seed": 3}})),
        "test data": replace(spec(), test_data=spec().train_data),
        "configuration": replace(spec(), config=config("Global.epoch_num=3")),
        "first weights": replace(spec(), pretrained=None),
        "settings": replace(spec(), options=parse_options({"label_format": "rec"})),
        "release": replace(spec(), code_version="2"),
    }
    before = spec().inputs()
    assert list(changed) == list(before)
    for name, other in changed.items():
        assert [key for key, value in other.inputs().items() if value != before[key]] == [name]
    elsewhere = replace(
        spec(),
        train_backend="local",
        train_workers=1,
        triton_urls=(),
        options=parse_options({"gate": {"min_samples": 1}, "pack": {"max_pods": 2}}),
    )
    assert elsewhere.inputs() == before


def test_nothing_is_split_off_where_validation_has_sources() -> None:
    assert spec().split.share == 0.05
    assert replace(spec(), validation_data=(source("v.tar"),)).split.share == 0.0
