"""`ocr query`: what it refuses before it asks a server."""

from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.pipelines.cli.command import call


def test_bad_arguments_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "abc.png").write_bytes(line_image("abc"))
    for words, said in [
        ((tmp_path, "--url", "http://h:1"), "--url: 'http://h:1' is not host:port"),
        ((tmp_path / "none",), f"IMAGES: {tmp_path / 'none'}: no such file or folder"),
        ((tmp_path, "--keep-below", "2"), "--keep-below: '2' is not a number from 0 to 1"),
    ]:
        assert call("query", *words) == 2
        assert said in capsys.readouterr().err


def test_a_server_that_is_down_is_named(tmp_path: Path, closed_port: int) -> None:
    (tmp_path / "abc.png").write_bytes(line_image("abc"))
    with pytest.raises(ServiceError, match=f"127.0.0.1:{closed_port}: .* it does not answer"):
        call("query", tmp_path, "--url", f"127.0.0.1:{closed_port}", "--timeout", 0.5)
