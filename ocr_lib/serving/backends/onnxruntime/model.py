"""Triton's `onnxruntime` backend for servers that were built without it, on the onnxruntime wheel.

NVIDIA's server images have the native backend of the same name; the model repository is the same.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from ocr_lib.inference.runtimes import onnx_forward
from ocr_lib.serving.network_key import has_key, network_key


class TritonPythonModel:
    """Runs one ONNX file on the CPU; requests that Triton batched share one run.

    Source: Triton's Python backend, whose method names these are.
    """

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the version's ONNX file.

        Args:
            args: what Triton says about the model: its folder, version and configuration.
        """
        config = json.loads(args["model_config"])
        folder = Path(args["model_repository"]) / args["model_version"]
        threads = config["parameters"]["intra_op_thread_count"]["string_value"]
        self._input = config["input"][0]["name"]
        self._output = config["output"][0]["name"]
        self._key = network_key()
        samples = config.get("model_warmup", ())
        self._warmups: int = sum(
            sample.get("batch_size", 1) * max(1, sample.get("count", 0)) for sample in samples
        )
        self._forward = onnx_forward(folder / config["default_model_filename"], int(threads))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers requests of one width: inputs [n, C, H, W] → outputs [n, T, K].

        Only those of the model in front of the network are answered, which know the key.
        """
        accepted = [self._accepts(request) for request in requests]
        answers = iter(self._run([r for r, yes in zip(requests, accepted, strict=True) if yes]))
        return [next(answers) if yes else _refusal() for yes in accepted]

    def _accepts(self, request: Any) -> bool:
        if has_key(request.parameters(), self._key):
            return True
        # Triton's own, which come before any other: it announces a model when it is warm.
        self._warmups -= 1
        return self._warmups >= 0

    def _run(self, requests: list[Any]) -> list[Any]:
        if not requests:
            return []
        inputs = [
            pb_utils.get_input_tensor_by_name(request, self._input).as_numpy()
            for request in requests
        ]
        batch = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
        answer = self._forward(batch)
        ends = np.cumsum([len(each) for each in inputs])
        return [
            pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor(self._output, part)])
            for part in np.split(answer, ends[:-1])
        ]


def _refusal() -> Any:
    message = "a network takes no calls from clients. Ask the model in front of it."
    error = pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG)
    return pb_utils.InferenceResponse(error=error)
