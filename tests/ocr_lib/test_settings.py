"""Settings: each variable has a field, a meaning, and a row in the documentation."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings, variable_name

TABLE = Path(__file__).parents[2] / "docs" / "environment.md"
CANARY = "canary-3f9a"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


@pytest.mark.parametrize("item", fields(Settings), ids=lambda item: item.name)
def test_each_variable_sets_its_field_and_nothing_else(item) -> None:
    text, value = ("7", 7) if item.type is int else ("text", "text")
    changed = Settings.from_env({item.metadata["name"]: text})
    differing = {f.name for f in fields(Settings) if getattr(changed, f.name) != f.default}
    assert differing == {item.name}
    assert getattr(changed, item.name) == value
    assert Settings.from_env({item.metadata["name"]: ""}) == Settings()  # as if it were not set


def test_no_two_fields_share_a_variable() -> None:
    names = [item.metadata["name"] for item in fields(Settings)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("text", ["-1", "two", "1.5", "1" * 10, " "])
def test_a_number_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"OCR_DEVICES: .* is not a whole number\. Unset it, or"):
        Settings.from_env({"OCR_DEVICES": text})


@pytest.mark.parametrize("link", ["tcp://10.96.0.1:443", "udp://[fd00::1]:53"])
def test_what_kubernetes_sets_for_a_service_of_that_name_is_left_out(link: str) -> None:
    assert Settings.from_env({"MASTER_PORT": link}) == Settings()
    with pytest.raises(ConfigError, match="OCR_DEVICES"):
        Settings.from_env({"OCR_DEVICES": link})
    with pytest.raises(ConfigError, match="MASTER_PORT"):
        Settings.from_env({"MASTER_PORT": "tcp://master"})


def test_what_must_be_set_is_named_with_its_meaning() -> None:
    with pytest.raises(
        ConfigError, match=r"OCR_S3_ENDPOINT: is not set\. Set it: the object store"
    ):
        Settings().required("s3_endpoint")


def test_no_secret_is_shown() -> None:
    secret = re.compile(r"(?<!_file)(_key|token|cookie|password|username)$")
    names = [item.name for item in fields(Settings) if secret.search(item.name)]
    names = [name for name in names if name not in ("triton_tls_key", "triton_server_key")]  # paths
    assert len(names) == 8
    settings = Settings.from_env({variable_name(name): CANARY for name in names})
    assert CANARY not in repr(settings)
    assert all(getattr(settings, name) == CANARY for name in names)


def test_the_documentation_has_a_row_for_each_variable() -> None:
    rows = [
        f"| `{item.metadata['name']}` | {item.metadata['meaning']} "
        f"| {f'`{item.default}`' if item.default != '' else ''} |"
        for item in fields(Settings)
    ]
    table = TABLE.read_text("utf-8").split("| --- | --- | --- |\n")[1].partition("\n\n")[0]
    assert table.splitlines() == rows
