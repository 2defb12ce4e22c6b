"""The model `<name>` inside Triton: encoded images in, text out, with the project's own code.

Decoding, resizing, batching by width and CTC decoding are `ocr_lib`'s, the very code that
evaluation ran. The network is asked as another model of the same server (`<name>_core`), in the
version of this one.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from ocr_lib.algorithms import algorithm_named
from ocr_lib.errors import ServiceError
from ocr_lib.inference.bundle import MANIFEST, Bundle, BundleError
from ocr_lib.inference.recognizer import MAX_BATCH_PIXELS, Recognizer
from ocr_lib.text.recognition import Recognition


class CoreError(ServiceError):
    """The network did not answer; `code` is Triton's, so that clients see a full queue as one."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


class TritonPythonModel:
    """Answers TEXT, SCORE and ERROR [N, 1] for IMAGE [N, 1]; a bad image fails alone.

    CHAR_SCORES [N, 1], a JSON list of numbers each, where a request asks for it by name.

    Source: Triton's Python backend, whose method names these are.
    """

    def initialize(self, args: dict[str, str]) -> None:
        """Loads one version and checks that its files are the bundle's.

        Args:
            args: what Triton says about the model: its folder, name, version and configuration.
        """
        version = args["model_version"]
        config = json.loads(args["model_config"])
        parameters = {key: item["string_value"] for key, item in config["parameters"].items()}
        folder = Path(args["model_repository"]) / version
        bundle = Bundle.open(folder, verify=False)  # holds some of its files only
        if bundle.digest != parameters["bundle_digest"]:
            raise BundleError(str(folder / MANIFEST), "not the one deployed", "Deploy it again")
        preprocess = bundle.preprocess
        largest = int(parameters["core_max_batch"]) * preprocess.height * preprocess.buckets[0]
        self._core = parameters["core"]
        self._version = int(version)
        self._input = parameters["core_input"]
        self._output = parameters["core_output"]
        self._recognizer = Recognizer(
            preprocess,
            bundle.dictionary,
            self._forward,
            min(MAX_BATCH_PIXELS, largest),
            max_image_bytes=int(parameters["max_image_bytes"]),
            max_image_pixels=int(parameters["max_image_pixels"]),
            decode=algorithm_named(bundle.decoder, str(folder)).tokenizer.decode,
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers requests that Triton batched; their images are read together."""
        batches = [_images(request) for request in requests]
        try:
            results = self._recognizer.read([image for batch in batches for image in batch])
        except CoreError as error:
            return [_failure(error) for _ in requests]  # one object each: they are freed one by one
        responses = []
        for request, batch in zip(requests, batches, strict=True):
            with_scores = "CHAR_SCORES" in request.requested_output_names()
            responses.append(_response(results[: len(batch)], with_scores))
            results = results[len(batch) :]
        return responses

    def _forward(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Asks the network: [N, C, H, W] → probabilities [N, T, K]."""
        response = pb_utils.InferenceRequest(
            model_name=self._core,
            model_version=self._version,
            requested_output_names=[self._output],
            inputs=[pb_utils.Tensor(self._input, tensor)],
            preferred_memory=pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU, 0),
        ).exec()
        if response.has_error():
            error = response.error()
            raise CoreError(
                f"{self._core} version {self._version}: {error.message()}", error.code()
            )
        probs = pb_utils.get_output_tensor_by_name(response, self._output).as_numpy()
        return np.asarray(probs, np.float32)


def _images(request: Any) -> list[bytes]:
    tensor = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy()
    return [bytes(image) for image in tensor.reshape(-1)]


def _failure(error: CoreError) -> Any:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), error.code))


def _response(results: list[Recognition], char_scores: bool) -> Any:
    def strings(values: list[str]) -> NDArray[np.object_]:
        return np.array([[value.encode()] for value in values], np.object_)

    tensors = [
        pb_utils.Tensor("TEXT", strings([r.text for r in results])),
        pb_utils.Tensor("SCORE", np.array([[r.score] for r in results], np.float32)),
        pb_utils.Tensor("ERROR", strings([r.error or "" for r in results])),
    ]
    if char_scores:
        lists = [json.dumps([round(score, 6) for score in r.char_scores]) for r in results]
        tensors.append(pb_utils.Tensor("CHAR_SCORES", strings(lists)))
    return pb_utils.InferenceResponse(output_tensors=tensors)
