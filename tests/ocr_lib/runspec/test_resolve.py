from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib import __version__
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.runspec.parameters import RunParameters, parse_parameters
from ocr_lib.runspec.resolve import resolve
from ocr_lib.runspec.spec import RunSpec
from ocr_lib.storage.store import Store


@pytest.fixture
def parameters(store: Store) -> RunParameters:
    for name in ("train.tar", "test.tar", "validation.tar", "w.pdparams"):
        store.put_bytes(f"resolved/{name}", name.encode())
    return parse_parameters(
        {
            "train_data_uri": store.uri("resolved/train.tar"),
            "test_data_uri": store.uri("resolved/test.tar"),
            "model_name": "receipts",
            "train_minutes": 3.0,
            "train_workers": 2,
            "triton_urls": ["a:1"],
            "options": {"config_overrides": ["Global.seed=5"], "sha256": {"test": "ab" * 32}},
        }
    )


def spec_of(store: Store, parameters: RunParameters, folder: Path) -> RunSpec:
    return resolve(store, parameters, "paddlejob", {"train": "t"}, folder)


def test_everything_that_has_a_name_gets_a_digest(
    store: Store, parameters: RunParameters, tmp_path: Path
) -> None:
    asked = replace(
        parameters,
        validation_data_uri=store.uri("resolved/validation.tar"),
        pretrained_uri=store.uri("resolved/w.pdparams"),
    )
    spec = spec_of(store, asked, tmp_path)
    pins = (*spec.train_data, *spec.validation_data, *spec.test_data, spec.pretrained)
    assert [pin and pin.of for pin in pins] == ["listing", "listing", "content", "content"]
    assert spec.test_data[0].digest == "ab" * 32
    assert "train_minutes: 3.0" in spec.config.yaml
    assert "seed: 5" in spec.config.yaml
    assert (spec.code_version, spec.images, spec.train_workers) == (__version__, {"train": "t"}, 2)
    assert (spec.model_name, spec.triton_urls) == ("receipts", ("a:1",))
    assert spec_of(store, asked, tmp_path / "again") == spec


def test_what_is_not_there_is_named(
    store: Store, parameters: RunParameters, tmp_path: Path
) -> None:
    missing = store.uri("resolved/nosuch")
    for name in ("train_data_uri", "test_data_uri", "validation_data_uri", "pretrained_uri"):
        with pytest.raises(DataError, match="resolved/nosuch"):
            spec_of(store, replace(parameters, **{name: missing}), tmp_path)
    with pytest.raises(ConfigError, match="there is no configuration cpu_lines"):
        spec_of(store, replace(parameters, config="cpu_lines"), tmp_path)


def test_several_workers_need_a_training_job(
    store: Store, parameters: RunParameters, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="train_workers: is 2, and the training backend is local"):
        resolve(store, parameters, "local", {}, tmp_path)
