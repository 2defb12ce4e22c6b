"""The onnxruntime backend of servers without one."""

import numpy as np
import tritonclient.grpc as grpc

from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.triton_server import TritonServer
from tests.ocr_lib.serving.loaded import MODEL
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, PREPROCESS


def network(served: TritonServer) -> str:
    """Returns the name of the tensor model that `MODEL` calls."""
    with TritonAdmin(served.url) as admin:
        name = admin.parameter(MODEL, "core")
    assert name is not None
    return name


def test_the_tensor_model_answers_probabilities(served: TritonServer) -> None:
    tensor = np.zeros((3, 3, PREPROCESS.height, 100), np.float32)
    source = grpc.InferInput("x1", list(tensor.shape), "FP32")
    source.set_data_from_numpy(tensor)
    with grpc.InferenceServerClient(served.url) as client:
        answer = client.infer(network(served), [source]).as_numpy("probs1")
    assert answer.shape == (3, 12, len(CHARACTERS) + 1)
    np.testing.assert_allclose(answer.sum(axis=2), 1, atol=1e-5)
