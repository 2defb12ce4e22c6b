import json
from dataclasses import replace
from pathlib import Path

import pytest
from kfp import dsl

from components.plan.component import plan as component
from components.plan.step import Plan, RunInputs, plan
from components.step_context import StepContext
from ocr_lib.data.roles import SplitRule
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.registry.production import Production, write_production
from ocr_lib.storage.store import Store

MODEL = "planned"


@pytest.fixture
def question(store: Store) -> RunInputs:
    for name in ("train.tar", "test.tar"):
        store.client.put(store.bucket, f"planned/{name}", name.encode())
    sources = [(store.uri(f"planned/{name}"), "") for name in ("train.tar", "test.tar")]
    return RunInputs(
        train_data=sources[0],
        test_data=sources[1],
        validation_data="",
        split=SplitRule(),
        dataset_name="lines",
        config="cpu_line",
        config_overrides=(),
        pretrained_uri="",
        settings=(60.0, "auto", 0.01),
    )


def look(store: Store, question: RunInputs, tmp_path: Path) -> Plan:
    return plan(StepContext(store, tmp_path), question, MODEL, 16, 8.0)


def put_into_service(store: Store, inputs: str) -> None:
    bundle = store.uri("planned/bundle")
    store.put_json("planned/bundle/bundle.json", {"lineage": {"inputs": inputs}})
    production = Production(MODEL, 7, bundle, "digest", [], "now")
    store.remove(f"registry/{MODEL}/production.json")
    write_production(store, production, None)


def test_without_a_serving_model_everything_is_new(
    store: Store, question: RunInputs, tmp_path: Path
) -> None:
    store.remove(f"registry/{MODEL}/production.json")
    found = look(store, question, tmp_path)
    assert found.serving is None
    assert found.changed == list(found.inputs)
    assert "No model serves yet" in found.markdown(True)
    assert [part.role for group in found.groups for part in group] == ["train", "test"]
    assert found.to_groups()[0]["split"] == SplitRule().to_dict()


def test_the_same_again_is_nothing_new(store: Store, question: RunInputs, tmp_path: Path) -> None:
    put_into_service(store, json.dumps(look(store, question, tmp_path).inputs))
    found = look(store, question, tmp_path)
    assert found.changed == []
    assert "Nothing new since version 7, which serves: the run ends here" in found.markdown(False)


def test_whatever_changes_is_named(store: Store, question: RunInputs, tmp_path: Path) -> None:
    put_into_service(store, json.dumps(look(store, question, tmp_path).inputs))
    other = {
        "settings": replace(question, settings=(30.0, "auto", 0.01)),
        "configuration": replace(question, config_overrides=("Global.epoch_num=3",)),
        "test data": replace(question, test_data=question.train_data),
        "validation data": replace(question, validation_data=question.train_data[0]),
        "first weights": replace(question, pretrained_uri=question.train_data[0]),
    }
    for name, changed in other.items():
        assert look(store, changed, tmp_path).changed == [name]
    store.client.put(store.bucket, "planned/train.tar", b"more lines")
    found = look(store, question, tmp_path)
    assert found.changed == ["training data"]
    assert "New since version 7: training data" in found.markdown(True)


@pytest.mark.parametrize("inputs", ["", "{", "[]", '"x"'])
def test_a_model_that_does_not_say_what_it_is_made_of_counts_as_another(
    store: Store, question: RunInputs, tmp_path: Path, inputs: str
) -> None:
    put_into_service(store, inputs)
    assert look(store, question, tmp_path).changed


def test_a_wrong_configuration_is_found_first(
    store: Store, question: RunInputs, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="cpu_line"):
        look(store, replace(question, config="cpu_lines"), tmp_path)


def test_another_split_is_other_validation_data(
    store: Store, question: RunInputs, tmp_path: Path
) -> None:
    put_into_service(store, json.dumps(look(store, question, tmp_path).inputs))
    other = replace(question, split=SplitRule(share=0.1))
    assert look(store, other, tmp_path).changed == ["validation data"]


def test_nothing_is_split_off_where_a_validation_set_is_given(
    store: Store, question: RunInputs, tmp_path: Path
) -> None:
    uri = store.uri("planned/validation.tar")
    store.client.put(store.bucket, "planned/validation.tar", b"validation")
    found = look(store, replace(question, validation_data=uri), tmp_path)
    roles = {part.role for group in found.groups for part in group}
    assert roles == {"train", "validation", "test"}
    assert found.to_groups()[0]["split"]["share"] == 0


def run(question: RunInputs, folder: Path, *, skip: bool) -> tuple[bool, list[dict[str, object]]]:
    folder.mkdir()
    go, groups, _ = component.python_func(
        train_data_uri=question.train_data[0],
        test_data_uri=question.test_data[0],
        report=dsl.Markdown(uri=str(folder / "report")),
        config=question.config,
        model_name=MODEL,
        train_minutes=60.0,
        skip_if_unchanged=skip,
    )
    return go, groups


def test_only_a_run_that_shall_skip_does(store: Store, question: RunInputs, tmp_path: Path) -> None:
    put_into_service(store, json.dumps(look(store, question, tmp_path).inputs))
    assert run(question, tmp_path / "asked", skip=True)[0] is False
    go, groups = run(question, tmp_path / "not-asked", skip=False)
    assert go is True
    assert len(groups) == 1
    json.dumps(groups)


def test_more_archives_than_a_parameter_can_name_are_refused(
    store: Store, question: RunInputs, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number}.tar").write_text("")
    with pytest.raises(DataError, match="1001 archives are more than"):
        look(store, replace(question, train_data=(str(folder), "")), tmp_path)
