"""The onnxruntime backend of servers without one, and that clients cannot call it."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.network_key import PARAMETER
from ocr_lib.serving.triton_server import TritonServer
from tests.ocr_lib.serving.loaded import MODEL
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, PREPROCESS, line_image

TENSOR = np.zeros((3, 3, PREPROCESS.height, 64), np.float32)
REFUSED = "a network takes no calls from clients. Ask the model in front of it"


@pytest.fixture
def network(served: TritonServer) -> str:
    """The name of the tensor model that `MODEL` calls."""
    with TritonAdmin(served.url) as admin:
        name = admin.parameter(MODEL, "core")
    assert name is not None
    return name


def ask(served: TritonServer, network: str, parameters: dict[str, Any] | None) -> Any:
    source = grpc.InferInput("x1", list(TENSOR.shape), "FP32")
    source.set_data_from_numpy(TENSOR)
    with grpc.InferenceServerClient(served.url) as client:
        return client.infer(network, [source], parameters=parameters).as_numpy("probs1")


@pytest.mark.parametrize("key", [None, "", "guessed", 1, True])
def test_a_client_is_refused_over_grpc(served: TritonServer, network: str, key: object) -> None:
    """However often it asks: what Triton itself may ask, to warm the network up, is over."""
    for _ in range(5):
        with pytest.raises(InferenceServerException, match=REFUSED):
            ask(served, network, None if key is None else {PARAMETER: key})


def test_a_client_is_refused_over_http(served: TritonServer, network: str) -> None:
    data = TENSOR.ravel().tolist()
    tensor = {"name": "x1", "shape": TENSOR.shape, "datatype": "FP32", "data": data}
    for parameters in ({}, {PARAMETER: "guessed"}):
        body = json.dumps({"inputs": [tensor], "parameters": parameters}).encode()
        request = urllib.request.Request(
            f"{served.http_url}/v2/models/{network}/infer", body, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value as error:
            assert error.code == 400
            assert REFUSED in error.read().decode()


def test_refused_calls_do_not_harm_those_that_share_a_batch(
    served: TritonServer, network: str
) -> None:
    with RecognitionClient(served.url, MODEL) as client:
        for _ in range(10):
            with pytest.raises(InferenceServerException, match=REFUSED):
                ask(served, network, None)
            assert client.read(line_image("abc")).text == "abc"


def test_with_the_servers_key_it_answers_probabilities(served: TritonServer, network: str) -> None:
    """So what is refused is this very call. The key is in the server's environment alone."""
    variables = Path(f"/proc/{served.pid}/environ").read_bytes().split(b"\0")
    (key,) = (v.split(b"=", 1)[1] for v in variables if v.startswith(b"OCR_TRITON_NETWORK_KEY="))
    answer = ask(served, network, {PARAMETER: key.decode()})
    assert answer.shape == (3, 8, len(CHARACTERS) + 1)
    np.testing.assert_allclose(answer.sum(axis=2), 1, atol=1e-5)
