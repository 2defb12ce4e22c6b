from pathlib import Path
from typing import Any

import pytest

from ocr_lib.errors import ConfigError
from pipelines.cli.demo import demo, demo_options
from pipelines.demo.options import DemoOptions


def options(*words: str) -> DemoOptions:
    """Returns what a command line asks for; nothing runs."""
    return demo_options(**demo.make_context("demo", list(words)).params)


def test_given_data_gets_more_time(tmp_path: Path) -> None:
    (tmp_path / "gt.txt").touch()
    data = str(tmp_path)
    assert options().minutes == 6.0
    assert options("--train", data, "--test", data).minutes == 20.0
    assert options("--train", data, "--test", data, "--minutes", "3").minutes == 3.0


def test_former_names_are_taken_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gt.txt").touch()
    given = options("--train", str(tmp_path), "--eval", str(tmp_path), "--param", "eval_data_uri=x")
    assert (given.test, given.parameters) == (tmp_path, {"test_data_uri": "x"})
    said = capsys.readouterr().err
    assert "--eval is now called --test" in said
    assert "eval_data_uri is now called test_data_uri" in said


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("train_workers=10", "train_workers", 10),
        ("train_minutes=1", "train_minutes", 1.0),  # a float all the same
        ("options.gate.min_samples=10", "options", {"gate": {"min_samples": 10}}),
        ("config=cpu_line", "config", "cpu_line"),
        ("triton_urls=[a:1]", "triton_urls", ["a:1"]),
    ],
)
def test_a_parameter_has_the_type_of_the_pipeline(text: str, name: str, value: Any) -> None:
    found = options("--param", text).parameters
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("minutes=3", "minutes: is no parameter of this pipeline. The nearest known name is tra"),
        ("config", "--param config: has no =. Write NAME=VALUE"),
        ("train_workers=many", "train_workers: is 'many'. Write a whole number"),
        ("options.gate.min_sampels=3", "options.gate.min_sampels: is not a known key"),
        ("gate_min_samples=3", "gate_min_samples is options.gate.min_samples now. Write it there"),
    ],
)
def test_what_is_no_parameter_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ConfigError) as error:
        options("--param", text)
    assert cause in str(error.value)


def test_every_parameter_of_the_pipeline_can_be_given() -> None:
    from pipelines.train_and_deploy import build_pipeline

    for name, definition in build_pipeline().component_spec.inputs.items():
        found = options("--param", f"{name}={definition.default}").parameters
        assert found.get(name, "") == definition.default  # an empty text is nothing in YAML
