"""How a client reads, and how it says what went wrong."""

import socket
from pathlib import Path

import pytest

from ocr_lib.errors import ImageError, ServiceError
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.limits import MAX_IMAGE_BYTES
from ocr_lib.serving.triton_server import TritonServer
from tests.ocr_lib.serving.loaded import MODEL
from tests.ocr_lib.serving.tiny_bundle import line_image


def test_priorities_are_known_to_the_server(served: TritonServer) -> None:
    for priority in (1, 2):
        with RecognitionClient(served.url, MODEL, priority=priority) as recognizer:
            assert recognizer.read(line_image("a")).text == "a"


def test_a_server_that_is_gone_is_stood_in_for(served: TritonServer) -> None:
    """One is down, one never answers: the third one reads, within the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        down = f"127.0.0.1:{taken.getsockname()[1]}"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        urls = [down, f"127.0.0.1:{silent.getsockname()[1]}", served.url]
        with RecognitionClient(urls, MODEL, timeout_s=8) as recognizer:
            for _ in range(4):
                assert recognizer.read(line_image("abc")).text == "abc"


def test_files_are_read_and_missing_ones_named(served: TritonServer, tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    path.write_bytes(line_image("é中a"))
    with RecognitionClient(served.url, MODEL) as recognizer:
        assert recognizer.read(path).text == "é中a"
        assert recognizer.read_many([]) == []
        with pytest.raises(ImageError, match=r"none\.png: No such file"):
            recognizer.read(tmp_path / "none.png")
        path.write_text("no image")
        with pytest.raises(ImageError, match=r"line\.png: not an image"):
            recognizer.read(path)


def test_an_unknown_model_and_version_are_named(served: TritonServer) -> None:
    with (
        RecognitionClient(served.url, "unheard-of") as recognizer,
        pytest.raises(ServiceError, match="unheard-of"),
    ):
        recognizer.read(b"x")
    with (
        RecognitionClient(served.url, MODEL, version=99) as recognizer,
        pytest.raises(ServiceError, match="served version 99"),
    ):
        recognizer.read(b"x")


def test_a_server_that_is_down_is_named_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        RecognitionClient(f"127.0.0.1:{port}", timeout_s=0.5) as recognizer,
        pytest.raises(ServiceError, match=f"127.0.0.1:{port}.*does not answer"),
    ):
        recognizer.read(b"x")


def test_a_silent_server_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"127.0.0.1:{server.getsockname()[1]}"
        with (
            RecognitionClient(url, timeout_s=0.5) as recognizer,
            pytest.raises(ServiceError, match=r"in time|does not answer"),
        ):
            recognizer.read(b"x")


def test_an_image_that_no_server_takes_is_neither_sent_nor_read_whole(
    tmp_path: Path, closed_port: int
) -> None:
    """A file of a terabyte, and no server to ask."""
    file = tmp_path / "line.png"
    with file.open("wb") as content:
        content.truncate(1 << 40)
    with RecognitionClient(f"127.0.0.1:{closed_port}", timeout_s=0.5) as recognizer:
        found = recognizer.read_many([file, bytes(MAX_IMAGE_BYTES + 1)])
        assert [r.error for r in found] == ["the image has more than 8,388,608 bytes"] * 2
        with pytest.raises(ImageError, match=r"line\.png: the image has more than 8,388,608 bytes"):
            recognizer.read(file)
        with pytest.raises(ServiceError, match="does not answer"):
            recognizer.read_many([file, b"x"])
