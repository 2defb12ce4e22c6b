"""Managing one Triton, and what its errors mean."""

from pathlib import Path

import pytest
from tritonclient.utils import InferenceServerException

from ocr_lib.errors import ServiceError
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.connection import triton_error
from ocr_lib.serving.model_repository import build_model_version
from ocr_lib.serving.triton_server import TritonServer
from tests.ocr_lib.serving.loaded import load
from tests.ocr_lib.serving.tiny_bundle import line_image


def test_a_client_names_a_full_queue() -> None:
    error = InferenceServerException("Exceeds maximum queue size", "StatusCode.UNAVAILABLE")
    assert "its queue is full. Ask later" in str(triton_error("h:1", "cannot ask m", error))


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        ("UNAVAILABLE", "failed to connect", "it does not answer. Check the address"),
        ("UNAVAILABLE", "This protocol is restricted", "it wants the management key"),
        ("UNIMPLEMENTED", "", "something else answers there"),
        ("UNKNOWN", "Http2 error", "something else answers there"),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", "no answer in time"),
        ("INTERNAL", "model is broken", "cannot load m: model is broken"),
    ],
)
def test_an_error_says_what_to_do(status: str, message: str, said: str) -> None:
    error = InferenceServerException(message, f"StatusCode.{status}")
    text = str(triton_error("h:1", "cannot load m", error))
    assert text.startswith("Triton at h:1: cannot load m: ")
    assert said in text


def test_a_model_is_loaded_asked_and_unloaded(served: TritonServer, bundle: Path) -> None:
    built = build_model_version(bundle, "managed", 1)
    with TritonAdmin(served.url) as admin:
        admin.check_live()
        assert not admin.answers("managed")
        load(admin, built, "managed_core", "managed")
        admin.wait_ready("managed", 1, 10)
        assert admin.answers("managed")
        assert not admin.ready("managed", 2)
        assert admin.parameter("managed", "core") == "managed_core"
        assert admin.parameter("managed", "none") is None
        assert admin.parameter("unheard-of", "core") is None
        assert admin.last_inference_s("managed")["managed"] == 0
        with RecognitionClient(served.url, "managed") as client:
            assert client.read(line_image("abc")).text == "abc"
        assert admin.last_inference_s("managed")["managed_core"] > 0
        for name in ("managed", "managed_core"):
            admin.unload(name)
        admin.unload("unheard-of")
        assert admin.last_inference_s("managed") == {}


def test_what_a_server_refuses_is_named(served: TritonServer, closed_port: int) -> None:
    with TritonAdmin(served.url) as admin:
        with pytest.raises(ServiceError, match="cannot load unheard-of"):
            admin.load("unheard-of")
        with pytest.raises(ServiceError, match="unheard-of version 1 to be ready"):
            admin.wait_ready("unheard-of", 1, 0)
    with (
        TritonAdmin(f"127.0.0.1:{closed_port}", 2) as admin,
        pytest.raises(ServiceError, match="cannot reach it: it does not answer"),
    ):
        admin.check_live()
