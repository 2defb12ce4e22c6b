import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import ConfigError
from ocr_lib.runspec.options import parse_options
from pipelines.kfp_api.package import Package
from pipelines.kfp_api.parameters import MOVED, definitions_of, read_parameters
from pipelines.train_and_deploy import build_pipeline

KNOWN: dict[str, dict[str, Any]] = {
    "train_minutes": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 60.0},
    "workers": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1.0},
    "label_format": {
        "parameterType": "STRING",
        "defaultValue": "auto",
        "literals": ["auto", "rec", "det", "list"],
    },
    "skip": {"parameterType": "BOOLEAN", "defaultValue": False},
    "triton_urls": {"parameterType": "LIST", "defaultValue": []},
    "extra": {"parameterType": "STRUCT", "isOptional": True},
}


def test_a_file_and_arguments_become_parameters(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("train_minutes: 30\ntriton_urls: [a:1, b:2]\nlabel_format: rec\n")
    found = read_parameters(file, ["train_minutes=1e1", "skip=true"], KNOWN)
    assert found == {
        "train_minutes": 10.0,
        "triton_urls": ["a:1", "b:2"],
        "label_format": "rec",
        "skip": True,
    }
    assert type(found["train_minutes"]) is float


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "train_minuts: 3",
            r"run.yaml:1: train_minuts: is no .* known name is train_minutes\.$",
        ),
        ("zzz: 3", r"run.yaml:1: zzz: is no parameter.* Known: .*train_minutes"),
        ("skip: true\nworkers: 2.5", r"run.yaml:2: workers: is 2.5. Write a whole number"),
        ("workers: true", "workers: is True. Write a whole number"),
        ("train_minutes: ten", "train_minutes: is 'ten'. Write a number"),
        ("extra: 3", "extra: is 3, not a block of keys"),
        ("label_format: recc", r"label_format: is 'recc'.* nearest known name is rec\.$"),
        ("label_format: 7", "label_format: is 7, which is not known"),
        ("- a", "holds no `name: value` lines"),
        ("skip: true\nskip: false", "run.yaml:2"),
        ("a: [", "run.yaml:.*not valid YAML"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_parameters(file, [], KNOWN)


def test_a_file_must_be_readable_text(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"label_format: \xe9")
    for name, words in (("none", "cannot be read"), ("latin", "is not UTF-8")):
        with pytest.raises(ConfigError, match=words):
            read_parameters(tmp_path / name, [], KNOWN)


def test_a_parameter_without_a_default_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="uri: is not given and has no default"):
        read_parameters(None, [], {**KNOWN, "uri": {"parameterType": "STRING"}})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PYTHON = {
    "NUMBER_DOUBLE": float,
    "NUMBER_INTEGER": int,
    "STRING": str,
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


@given(st.sampled_from(list(KNOWN)), VALUES)
def test_a_value_has_the_right_type_or_is_refused(name: str, value: Any) -> None:
    try:
        found = read_parameters(None, [f"{name}={json.dumps(value)}"], KNOWN)
    except ConfigError:
        return
    assert value is None or type(found[name]) is PYTHON[KNOWN[name]["parameterType"]]


def test_the_defaults_of_the_real_package_are_accepted(package: Package) -> None:
    assert read_parameters(None, [], package.parameters) == {}
    for name, definition in package.parameters.items():
        default = definition["defaultValue"]
        if definition["parameterType"] == "NUMBER_INTEGER":
            default = int(default)
        if default != "":
            found = read_parameters(None, [f"{name}={json.dumps(default)}"], package.parameters)
            assert found == {name: default}


def test_a_pipeline_defines_its_parameters_as_its_package_does(package: Package) -> None:
    definitions = definitions_of(build_pipeline())
    compiled = {
        name: {key: value for key, value in definition.items() if key != "literals"}
        for name, definition in package.parameters.items()
    }
    assert definitions == compiled


RUN = """\
train_minutes: 5
options:
  gate: {min_samples: 500}
  pack:
    max_podz: 4
"""


def test_options_are_checked_key_by_key_before_anything_is_sent(
    package: Package, tmp_path: Path
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(RUN)
    with pytest.raises(ConfigError, match=r"run\.yaml:5: options\.pack\.max_podz: .* max_pods"):
        read_parameters(file, [], package.parameters)
    file.write_text(RUN.replace("podz", "pods"))
    found = read_parameters(file, ["options.gate.min_accuracy=0.2"], package.parameters)
    assert found["options"] == {
        "gate": {"min_samples": 500, "min_accuracy": 0.2},
        "pack": {"max_pods": 4},
    }
    with pytest.raises(ConfigError, match=r"--param options\.gate\.min_accuracy=2: options\.gate"):
        read_parameters(file, ["options.gate.min_accuracy=2"], package.parameters)
    with pytest.raises(ConfigError, match=r"options\.gate: is 3\. Write a block of keys"):
        read_parameters(None, ["options.gate=3", "options.gate.proof=x"], package.parameters)


def test_a_backend_that_is_not_supported_is_refused_by_name(package: Package) -> None:
    plain = {**package.parameters["train_backend"], "literals": ()}
    for known in (package.parameters, {**package.parameters, "train_backend": plain}):
        with pytest.raises(ConfigError, match="train_backend: is trainjob, which this ver"):
            read_parameters(None, ["train_backend=trainjob"], known)


def test_a_former_name_is_taken_with_a_hint(
    package: Package, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("train_minutes: 5\neval_data_uri: s3://ocr/a.tar\n")
    found = read_parameters(file, [], package.parameters)
    assert found["test_data_uri"] == "s3://ocr/a.tar"
    assert f"{file}:2: eval_data_uri is now called test_data_uri" in capsys.readouterr().err
    file.write_text("test_data_uri: s3://ocr/b.tar\neval_data_uri: s3://ocr/a.tar\n")
    with pytest.raises(ConfigError, match=r":2: test_data_uri is given under two names"):
        read_parameters(file, [], package.parameters)


@pytest.mark.parametrize("name", MOVED)
def test_a_parameter_that_became_an_option_says_where_it_is(
    package: Package, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"train_minutes: 5\n{name}: 1\n")
    with pytest.raises(ConfigError, match=rf"run\.yaml:2: {name} is {MOVED[name]} now\. Write it"):
        read_parameters(file, [], package.parameters)
    values: Any = parse_options({})
    for key in MOVED[name].split(".")[1:]:
        values = getattr(values, key)  # it is a key there


def test_a_former_name_is_the_name_in_a_package_of_that_time() -> None:
    then = {"eval_data_uri": {"parameterType": "STRING", "defaultValue": ""}}
    assert read_parameters(None, ["eval_data_uri=x"], then) == {"eval_data_uri": "x"}
