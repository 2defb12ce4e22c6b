from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from ocr_lib.jobs.backends import BACKENDS, resolve_backend
from ocr_lib.runspec.parameters import parse_parameters
from pipelines.compile import compile_pipeline
from pipelines.literals import offer
from pipelines.train_and_deploy import LITERALS, build_pipeline


def parameters(path: Path) -> dict[str, dict[str, object]]:
    spec = yaml.load(path.read_bytes().split(b"\n---")[0], Loader=yaml.CSafeLoader)
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    return dict(spec["root"]["inputDefinitions"]["parameters"])


def test_the_values_are_in_the_package_and_the_defaults_among_them(tmp_path: Path) -> None:
    for _ in range(2):  # written once, however often
        compile_pipeline(tmp_path / "package.yaml")
    found = parameters(tmp_path / "package.yaml")
    for name, values in LITERALS.items():
        assert found[name]["literals"] == list(values)
        assert found[name]["defaultValue"] in values


def test_they_can_be_left_out_for_old_backends(tmp_path: Path) -> None:
    compile_pipeline(tmp_path / "package.yaml", literals=False)
    assert not [
        value for value in parameters(tmp_path / "package.yaml").values() if "literals" in value
    ]


def test_the_steps_know_every_value_that_is_offered() -> None:
    for value in LITERALS["train_backend"]:
        assert resolve_backend(parse_parameters({"train_backend": value}).train_backend) in BACKENDS


def test_an_unknown_parameter_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="no_such"):
        offer(build_pipeline().pipeline_spec, {"no_such": ("a",)})
