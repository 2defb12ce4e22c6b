import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from components.plan.component import plan as component
from components.plan.step import Plan, PlanRequest, plan
from components.step_context import StepContext
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.jobs.kubernetes_api import KubernetesApi
from ocr_lib.registry.production import Production, write_production
from ocr_lib.runspec.parameters import RunParameters, parse_parameters
from ocr_lib.runspec.partition import period_of
from ocr_lib.runspec.spec_store import find_spec, load_spec
from ocr_lib.storage.artifact_ref import read_ref
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.store import Store
from tests.ocr_lib.jobs.api_server import ApiServer

MODEL = "planned"
Look = Callable[..., Plan]


@pytest.fixture
def sources(store: Store) -> dict[str, str]:
    for name in ("train.tar", "test.tar"):
        store.client.put(store.bucket, f"planned/{name}", name.encode())
    return {
        "train_data_uri": store.uri("planned/train.tar"),
        "test_data_uri": store.uri("planned/test.tar"),
        "train_backend": "local",
        "model_name": MODEL,
    }


@pytest.fixture
def parameters(sources: dict[str, str]) -> RunParameters:
    return parse_parameters(sources)


@pytest.fixture
def look(store: Store, tmp_path: Path) -> Look:
    """Plans a new run of those parameters, or a run again."""
    runs = iter(f"{tmp_path.name}-{number}" for number in range(100))

    def look(parameters: RunParameters, run: str = "") -> Plan:
        request = PlanRequest(run=run or next(runs), parameters=parameters, images={"train": "t"})
        return plan(StepContext(store, tmp_path), request)

    return look


def put_into_service(store: Store, lineage: dict[str, Any]) -> None:
    store.put_json("planned/bundle/bundle.json", {"lineage": lineage})
    production = Production(MODEL, 7, store.uri("planned/bundle"), "digest", [], "now")
    store.remove(f"registry/{MODEL}/production.json")
    write_production(store, production, None)


def test_without_a_serving_model_everything_is_new(
    store: Store, parameters: RunParameters, look: Look
) -> None:
    store.remove(f"registry/{MODEL}/production.json")
    found = look(parameters)
    assert found.serving is None
    assert found.changed == list(found.spec.inputs())
    assert "No model serves yet" in found.markdown()
    assert [part["role"] for one in found.partitions() for part in one["parts"]] == [
        "train",
        "test",
    ]
    assert found.preflight_settings()["config_digest"] == found.spec.config.digest
    assert load_spec(store, found.ref.digest) == found.spec


def test_the_same_again_is_nothing_new(store: Store, parameters: RunParameters, look: Look) -> None:
    put_into_service(store, {"spec": look(parameters).spec.digest})
    found = look(replace(parameters, skip_if_unchanged=True))
    assert (found.changed, found.proceed) == ([], False)
    assert "Nothing new since version 7, which serves: the run ends here" in found.markdown()
    found = look(parameters)
    assert found.proceed
    assert "trained all the same" in found.markdown()


def test_whatever_changes_is_named(store: Store, parameters: RunParameters, look: Look) -> None:
    put_into_service(store, {"spec": look(parameters).spec.digest})
    options = parameters.options
    other = {
        "settings": replace(parameters, options=replace(options, label_format="rec")),
        "configuration": replace(parameters, train_minutes=30.0),
        "test data": replace(parameters, test_data_uri=parameters.train_data_uri),
        "validation data": replace(parameters, validation_data_uri=parameters.train_data_uri),
        "first weights": replace(parameters, pretrained_uri=parameters.train_data_uri),
    }
    for name, changed in other.items():
        assert look(changed).changed == [name]
    store.client.put(store.bucket, "planned/train.tar", b"more lines")
    found = look(parameters)
    assert found.changed == ["training data"]
    assert "New since version 7: training data" in found.markdown()


@pytest.mark.parametrize("lineage", [{}, {"inputs": "{}"}, {"spec": ""}, {"spec": "0" * 64}, []])
def test_a_model_that_does_not_say_what_it_is_made_of_counts_as_another(
    store: Store, parameters: RunParameters, look: Look, lineage: Any
) -> None:
    put_into_service(store, lineage)
    assert look(parameters).changed


@pytest.mark.parametrize("content", [None, b"{", b"<html>"])
def test_a_serving_model_that_cannot_be_read_is_named(
    store: Store, parameters: RunParameters, look: Look, content: bytes | None
) -> None:
    """It is no reason to take everything for new: the run would be judged against it later."""
    put_into_service(store, {"spec": look(parameters).spec.digest})
    if content is None:
        store.remove("planned/bundle/bundle.json")
    else:
        store.put_bytes("planned/bundle/bundle.json", content)
    try:
        with pytest.raises(DataError, match=r"bundle\.json: the bundle of version 7 of planned"):
            look(parameters)
    finally:
        store.remove(f"registry/{MODEL}/production.json")


def test_a_run_spec_that_is_damaged_is_named(
    store: Store, parameters: RunParameters, look: Look
) -> None:
    spec = look(parameters).spec
    put_into_service(store, {"spec": spec.digest})
    other = replace(parameters, train_minutes=12.0)
    store.put_bytes(f"specs/{spec.digest}.json", b"{}")
    try:
        with pytest.raises(DigestError, match=spec.digest):
            look(other)
    finally:
        store.put_bytes(f"specs/{spec.digest}.json", spec.to_json())
        store.remove(f"registry/{MODEL}/production.json")


def test_a_wrong_configuration_is_found_first(parameters: RunParameters, look: Look) -> None:
    with pytest.raises(ConfigError, match="cpu_line"):
        look(replace(parameters, config="cpu_lines"))


def test_a_repeated_plan_adopts_the_spec_that_it_finds(
    store: Store, parameters: RunParameters, look: Look, tmp_path: Path
) -> None:
    """Configuration, weights and data were replaced between the two attempts."""
    (tmp_path / "mine.yml").write_text("base: cpu_line\nGlobal: {print_batch_step: 7}\n")
    uris = {
        "config": store.put_file(tmp_path / "mine.yml", "planned/mine.yml"),
        "pretrained_uri": store.uri("planned/w.pdparams"),
    }
    store.put_bytes("planned/w.pdparams", b"weights")
    asked = replace(parameters, **uris)
    first = look(asked, f"{tmp_path.name}-repeated")
    assert "print_batch_step: 7" in first.spec.config.yaml
    (tmp_path / "mine.yml").write_text("base: cpu_line\nGlobal: {print_batch_step: 8}\n")
    store.put_file(tmp_path / "mine.yml", "planned/mine.yml")
    store.put_bytes("planned/w.pdparams", b"other weights")
    store.client.put(store.bucket, "planned/train.tar", b"more lines")
    again = look(asked, f"{tmp_path.name}-repeated")
    assert again.spec == first.spec == find_spec(store, f"{tmp_path.name}-repeated")
    assert again.partitions() == first.partitions()
    with pytest.raises(ConfigError, match=r"model_name: run .* was planned with another value"):
        look(replace(asked, model_name="another"), f"{tmp_path.name}-repeated")
    other = look(asked).spec
    assert "print_batch_step: 8" in other.config.yaml
    assert other.pretrained != first.spec.pretrained


def test_auto_is_resolved_by_the_cluster_that_the_plan_runs_in(
    parameters: RunParameters, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(parameters, train_backend="auto")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert look(asked).spec.train_backend == "local"
    (tmp_path / "namespace").write_text("ns")
    monkeypatch.setattr("ocr_lib.jobs.kubernetes_api.NAMESPACE_FILE", tmp_path / "namespace")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    with ApiServer() as server:
        monkeypatch.setattr(KubernetesApi, "connect", lambda: server.cluster)
        assert look(asked).spec.train_backend == "paddlejob"
        server.kinds = []
        with pytest.raises(ConfigError, match="train_backend: is auto, and this cluster knows no"):
            look(asked)
        assert look(replace(asked, train_backend="local")).spec.train_backend == "local"
        assert look(replace(asked, train_backend="paddlejob")).spec.train_backend == "paddlejob"


def run(folder: Path, **arguments: Any) -> tuple[Any, dsl.Artifact]:
    folder.mkdir()
    spec = dsl.Artifact(uri=str(folder / "spec"))
    defaults = parse_parameters({})
    values = {name: getattr(defaults, name) for name in RunParameters.__slots__}
    values |= {"options": {}, "triton_urls": list(defaults.triton_urls)}
    report = dsl.Markdown(uri=str(folder / "report"))
    own = {"spec": spec, "report": report, "run": folder.name, "images": {"data": "d"}}
    return component.python_func(**{**values, **own, **arguments}), spec


def test_the_component_hands_on_the_spec_and_what_the_cached_steps_need(
    store: Store, sources: dict[str, str], look: Look, tmp_path: Path
) -> None:
    put_into_service(store, {"spec": look(parse_parameters(sources)).spec.digest})
    before = period_of(time.time())
    (proceed, partitions, settings), spec = run(tmp_path / "asked", **sources)
    assert {settings["cache_period"], *(one["cache_period"] for one in partitions)} <= {
        before,
        period_of(time.time()),
    }
    assert proceed is True
    assert len(partitions) == 1
    json.dumps([partitions, settings])
    assert load_spec(store, read_ref(spec).digest).images == {"data": "d"}
    (proceed, *_), _ = run(tmp_path / "skipped", **sources, skip_if_unchanged=True)
    assert proceed is False


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            {"options": {"gate": {"min_sampels": 3.0}}},
            "plan: options.gate.min_sampels: is not a known key. The nearest known name is min_sam",
        ),
        (
            {"train_backend": "trainjob"},
            "plan: train_backend: is trainjob, which this version does not support yet. Write auto",
        ),
        ({"train_workers": 0}, "plan: train_workers: is 0, which is not a number of pods. Write 1"),
    ],
)
def test_the_first_line_of_the_log_is_the_key_and_the_fix(
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: dict[str, Any],
    line: str,
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path / "wrong", **arguments)
    assert exit_.value.code == 2
    assert capsys.readouterr().err.splitlines()[0].startswith(line)


def test_more_archives_than_a_parameter_can_name_are_refused(
    parameters: RunParameters, look: Look, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number}.tar").write_text("")
    with pytest.raises(DataError, match="1001 archives are more than"):
        look(replace(parameters, train_data_uri=str(folder)))
