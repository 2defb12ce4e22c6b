from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import ConfigError
from pipelines.kfp_api.package import Package
from pipelines.kfp_api.parameters import check, read_parameters

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
            r"run.yaml:1: train_minuts is no .* The nearest known name is train_minutes\.$",
        ),
        ("zzz: 3", r"run.yaml:1: zzz is no parameter.* Known: .*train_minutes, .*workers"),
        ("skip: true\nworkers: 2.5", r"run.yaml:2: workers is 2.5, not a whole number"),
        ("workers: true", "workers is True, not a whole number"),
        ("train_minutes: ten", "train_minutes is 'ten', not a number. The default is 60.0"),
        ("triton_urls: a:1", "not a list"),
        ("label_format: recc", r"label_format cannot be 'recc'. The nearest known name is rec\.$"),
        ("label_format: 7", "label_format is 7, not a text"),
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
        found = check(name, value, KNOWN, "here")
    except ConfigError:
        return
    assert type(found) is PYTHON[KNOWN[name]["parameterType"]]


def test_the_defaults_of_the_real_package_are_accepted(package: Package) -> None:
    assert read_parameters(None, [], package.parameters) == {}
    for name, definition in package.parameters.items():
        default = definition["defaultValue"]
        if definition["parameterType"] == "NUMBER_INTEGER":
            default = int(default)
        check(name, default, package.parameters, name)


def test_a_former_name_is_taken_with_a_hint(
    package: Package, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("train_minutes: 5\neval_data_uri: s3://ocr/a.tar\n")
    found = read_parameters(file, ["eval_data_sha256=ab"], package.parameters)
    assert found["test_data_uri"] == "s3://ocr/a.tar"
    assert found["test_data_sha256"] == "ab"
    said = capsys.readouterr().err
    assert f"{file}:2: eval_data_uri is now called test_data_uri" in said
    file.write_text("test_data_uri: s3://ocr/b.tar\neval_data_uri: s3://ocr/a.tar\n")
    with pytest.raises(ConfigError, match=r":2: test_data_uri is given under two names"):
        read_parameters(file, [], package.parameters)


def test_a_former_name_is_the_name_in_a_package_of_that_time() -> None:
    then = {"eval_data_uri": {"parameterType": "STRING", "defaultValue": ""}}
    assert read_parameters(None, ["eval_data_uri=x"], then) == {"eval_data_uri": "x"}
