"""Managing one Triton: load, unload, what is ready; every call has a deadline."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tritonclient.utils import InferenceServerException

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.serving.connection import TritonConnection, triton_error
from ocr_lib.serving.model_repository import Config, to_json

CALL_TIMEOUT_S = 120.0
LIVE_TIMEOUT_S = 15.0
POLL_S = 0.05


class TritonAdmin:
    """The management calls of one server.

    Args:
        url: `host:port` of its gRPC protocol.
        timeout_s: the longest that one call may take; loading a model is one call.
        connection: TLS and the management key; None takes those of the environment.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = CALL_TIMEOUT_S,
        connection: TritonConnection | None = None,
    ) -> None:
        self.url = url
        connection = connection or TritonConnection.from_env()
        self._tls = connection.tls
        self._client = connection.open(url)
        self._call: dict[str, Any] = {
            "client_timeout": timeout_s,
            "headers": connection.admin_headers,
        }

    def __enter__(self) -> "TritonAdmin":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def check_live(self) -> None:
        """Asks whether a Triton is here that takes management calls.

        Raises:
            ServiceError: nothing answers, something else does, or it wants another key.
        """
        call = {**self._call, "client_timeout": LIVE_TIMEOUT_S}
        try:
            live = self._client.is_server_live(**call)
            self._client.get_inference_statistics(**call)
        except InferenceServerException as error:
            raise self._failed("cannot reach it", error) from error
        if not live:
            raise ServiceError(f"Triton at {self.url}: it is not live yet. Wait, or see its log.")

    def load(
        self, model: str, config: Config | None = None, files: Mapping[str, bytes] | None = None
    ) -> None:
        """Loads a model and returns when it serves; a former version serves until then.

        Args:
            model: its name.
            config: its configuration; None takes the repository's `config.pbtxt`.
            files: path (`1/model.onnx`) → content, used instead of the repository's files; needs
                `config`.

        Raises:
            ServiceError: the server refuses, with its reason; what served before still serves.
        """
        contents = {f"file:{path}": content for path, content in (files or {}).items()}
        try:
            self._client.load_model(
                model,
                config=to_json(config) if config else None,
                files=contents or None,
                **self._call,
            )
        except InferenceServerException as error:
            raise self._failed(f"cannot load {model}", error) from error

    def unload(self, model: str) -> None:
        """Unloads all versions of a model; one that is not loaded is no error."""
        try:
            self._client.unload_model(model, **self._call)
        except InferenceServerException as error:
            raise self._failed(f"cannot unload {model}", error) from error

    def ready(self, model: str, version: int) -> bool:
        """Tells whether this version of the model answers."""
        return self._is_ready(model, str(version))

    def answers(self, model: str) -> bool:
        """Tells whether any version of the model answers."""
        return self._is_ready(model, "")

    def _is_ready(self, model: str, version: str) -> bool:
        try:
            return bool(self._client.is_model_ready(model, version, **self._call))
        except InferenceServerException as error:
            raise self._failed(f"cannot ask for {model}", error) from error

    def last_inference_s(self, prefix: str) -> dict[str, float]:
        """Returns when each loaded model whose name starts with `prefix` ran last.

        Seconds since 1970 by the server's clock; 0 where it never ran. The repository index would
        not do: it leaves out models that were loaded from files.
        """
        try:
            answer = self._client.get_inference_statistics(**self._call)
        except InferenceServerException as error:
            raise self._failed("cannot list models", error) from error
        times: dict[str, float] = {}
        for item in answer.model_stats:
            if item.name.startswith(prefix):
                times[item.name] = max(item.last_inference / 1e3, times.get(item.name, 0.0))
        return times

    def parameter(self, model: str, name: str) -> str | None:
        """Returns a parameter of a loaded model's configuration; None where there is none."""
        try:
            answer = self._client.get_model_config(model, **self._call)
        except InferenceServerException as error:
            if not self.answers(model):
                return None
            raise self._failed(f"cannot look at {model}", error) from error
        parameters = answer.config.parameters
        return str(parameters[name].string_value) if name in parameters else None

    def wait_ready(self, model: str, version: int, timeout_s: float = 30.0) -> None:
        """Waits until this version answers.

        Raises:
            ServiceError: it did not within `timeout_s`.
        """
        poll_until(
            lambda: self.ready(model, version),
            f"{model} version {version} to be ready on Triton at {self.url}",
            timeout_s,
            Pauses(POLL_S),
            next_step="Look into the server's log.",
        )

    def _failed(self, action: str, error: InferenceServerException) -> ServiceError:
        return triton_error(self.url, action, error, self._tls)
