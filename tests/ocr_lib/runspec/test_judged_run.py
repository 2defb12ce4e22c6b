from dataclasses import replace

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.runspec.judged_run import JudgedRun, load_record, save_record
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store


def ref(name: str) -> ArtifactRef:
    return ArtifactRef(f"s3://ocr/{name}", "ab" * 32, {"samples": 3, "name": name})


RECORD = JudgedRun(
    spec=ref("spec"),
    model=ref("model"),
    train=ref("train"),
    validation=ref("validation"),
    test=ref("test"),
)


@pytest.mark.parametrize("record", [RECORD, replace(RECORD, validation=None)])
def test_a_record_is_read_as_it_was_written(store: Store, record: JudgedRun) -> None:
    save_record(store, "recorded", record)
    assert load_record(store, "recorded") == record


def test_a_run_that_was_never_judged_is_named(store: Store) -> None:
    with pytest.raises(ConfigError, match="run: never was never judged"):
        load_record(store, "never")
    with pytest.raises(ConfigError, match="cannot name a run"):
        load_record(store, "../x")


def test_a_damaged_record_names_the_key(store: Store) -> None:
    store.put_json("evaluations/damaged/inputs.json", {"spec": {"uri": 3}})
    with pytest.raises(ConfigError, match=r"evaluations/damaged/inputs\.json: spec\.uri: is 3"):
        load_record(store, "damaged")
