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

from ocr_lib.errors import ServiceError
from ocr_lib.inference.bundle import MANIFEST, Bundle, BundleError
from ocr_lib.inference.recognizer import MAX_BATCH_PIXELS, Recognizer
from ocr_lib.serving import network_key
from ocr_lib.serving.limits import RequestLimits
from ocr_lib.serving.request_budget import RequestError, check_request
from ocr_lib.text.recognition import Recognition

STOPPING = "Server not ready"  # what a server that stops answers to calls of its own models


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
        self._key = {network_key.PARAMETER: network_key.network_key()}
        self._version = int(version)
        self._input = parameters["core_input"]
        self._output = parameters["core_output"]
        self._request_limits = RequestLimits.from_env()
        image_limits = int(parameters["max_image_bytes"]), int(parameters["max_image_pixels"])
        self._image_limits = image_limits
        self._recognizer = Recognizer(
            preprocess,
            bundle.dictionary,
            self._forward,
            min(MAX_BATCH_PIXELS, largest),
            max_image_bytes=image_limits[0],
            max_image_pixels=image_limits[1],
            decode=bundle.decode,
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers requests that Triton batched; their images are read together.

        A request over its limits is refused, and the others are answered.
        """
        batches = [_images(request) for request in requests]
        refusals = [self._refusal(batch) for batch in batches]
        accepted = [b for b, refused in zip(batches, refusals, strict=True) if not refused]
        try:
            results = self._recognizer.read([image for batch in accepted for image in batch])
        except CoreError as error:
            return [  # one object each: they are freed one by one
                _failure(refused) if refused else _failure(str(error), error.code)
                for refused in refusals
            ]
        responses = []
        for request, batch, refused in zip(requests, batches, refusals, strict=True):
            if refused:
                responses.append(_failure(refused))
                continue
            with_scores = "CHAR_SCORES" in request.requested_output_names()
            responses.append(_response(results[: len(batch)], with_scores))
            results = results[len(batch) :]
        return responses

    def _refusal(self, images: list[bytes]) -> str:
        """Returns why a request is refused, "" where it fits its limits."""
        preprocess = self._recognizer.preprocess
        try:
            check_request(images, self._request_limits, preprocess, *self._image_limits)
        except RequestError as error:
            return str(error)
        return ""

    def _forward(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Asks the network: [N, C, H, W] → probabilities [N, T, K]."""
        response = pb_utils.InferenceRequest(
            model_name=self._core,
            model_version=self._version,
            requested_output_names=[self._output],
            parameters=self._key,
            inputs=[pb_utils.Tensor(self._input, tensor)],
            preferred_memory=pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU, 0),
        ).exec()
        if response.has_error():
            error = response.error()
            message, code = str(error.message()), error.code()
            if STOPPING in message:  # which the Python backend calls internal
                code = pb_utils.TritonError.UNAVAILABLE
            raise CoreError(f"{self._core} version {self._version}: {message}", code)
        probs = pb_utils.get_output_tensor_by_name(response, self._output).as_numpy()
        return np.asarray(probs, np.float32)


def _images(request: Any) -> list[bytes]:
    tensor = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy()
    return [bytes(image) for image in tensor.reshape(-1)]


def _failure(message: str, code: int | None = None) -> Any:
    """Returns the answer to a request that failed: the caller's fault unless there is a code."""
    code = pb_utils.TritonError.INVALID_ARG if code is None else code
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))


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
