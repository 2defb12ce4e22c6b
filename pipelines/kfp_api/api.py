"""Kubeflow Pipelines' REST API (v2beta1) through its published client, with plain failures.

Every request has a deadline. What only reads is repeated while the server is away; what creates is
not, since it is unknown whether it was done: `upload` and `schedule` look before they create.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

import kfp_server_api
import urllib3
from kfp_server_api.exceptions import ApiException

from ocr_lib.errors import ConfigError, OcrError, ServiceError
from ocr_lib.polling import Pauses, retry
from ocr_lib.tls import trust
from pipelines.kfp_api.connection import MORE_CA, Connection
from pipelines.kfp_api.workflow import Workflow, read_workflow

TIMEOUT_S = (5.0, 30.0)  # to connect, and between bytes
READ_FOR_S = 60.0  # how long to repeat what only reads
PAUSE_S = 1.0
PAGE = 50
UI_TIMEOUT_S = (3.0, 5.0)
FETCH_S = 120.0  # for one answer of any size
MAX_ERROR_BYTES = 64 << 10
MAX_WORKFLOW_BYTES = 64 << 20

T = TypeVar("T")


class RejectedError(ServiceError):
    """The server does not want this request, however often it comes."""


class NotFoundError(RejectedError):
    """The server has no such thing."""


class AlreadyExistsError(RejectedError):
    """The server has one of this name already."""


class Kubeflow:
    """One Kubeflow Pipelines installation.

    Args:
        connection: where it is and who asks.
        read_for_s: how long to repeat reading while the server is away.
        pause_s: between two attempts, doubled each time.
    """

    def __init__(
        self, connection: Connection, *, read_for_s: float = READ_FOR_S, pause_s: float = PAUSE_S
    ) -> None:
        self.connection = connection
        self._read_for_s = read_for_s
        self._pause_s = pause_s
        client = kfp_server_api.ApiClient(_configuration(connection), cookie=connection.cookie)
        if connection.ca_file:
            context = trust(connection.ca_file)
            client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = context
        self.client = client
        self.pipelines = kfp_server_api.PipelineServiceApi(client)
        self.uploads = kfp_server_api.PipelineUploadServiceApi(client)
        self.runs = kfp_server_api.RunServiceApi(client)
        self.schedules = kfp_server_api.RecurringRunServiceApi(client)
        self.experiments = kfp_server_api.ExperimentServiceApi(client)

    def read(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Calls what only reads, or what may be done twice; repeats it while the server is away."""
        return self._repeat(lambda: self.call(method, *args, **options))

    def call(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Calls one method of the API, once.

        Raises:
            ConfigError: who asks is not let in.
            RejectedError: 4xx; `NotFoundError` and `AlreadyExistsError` are 404 and 409.
            ServiceError: any other failure, in one line.
        """
        with _plain_failures(self.connection.host):
            answer = method(*args, **options, _request_timeout=TIMEOUT_S)
            json.loads(self.client.last_response.data)  # the client makes a model of anything
            return answer

    def fetch(self, path: str, *, limit: int) -> bytes:
        """Returns what the server sends for a path, or its last `limit` bytes; asks once.

        For what the generated client has no method for; fails as `call` does.
        """
        headers = {"Cookie": self.connection.cookie} if self.connection.cookie else {}
        self.client.update_params_for_auth(headers, [], ["Bearer"])
        ends = time.monotonic() + FETCH_S
        with _plain_failures(self.connection.host):
            answer = self.client.rest_client.pool_manager.request(
                "GET",
                f"{self.connection.host}{path}",
                headers=headers,
                timeout=urllib3.Timeout(*TIMEOUT_S),
                preload_content=False,
            )
            try:
                if not 200 <= answer.status <= 299:
                    error = ApiException(status=answer.status, reason=answer.reason)
                    error.body = answer.read(MAX_ERROR_BYTES)
                    raise error
                content = bytearray()
                for chunk in answer.stream(1 << 16):
                    content += chunk
                    del content[:-limit]
                    if time.monotonic() > ends:
                        raise urllib3.exceptions.TimeoutError
                return bytes(content)
            finally:
                answer.close()

    def _repeat(self, action: Callable[[], T]) -> T:
        return retry(
            action,
            lambda error: isinstance(error, ServiceError) and not isinstance(error, RejectedError),
            self._read_for_s,
            Pauses(self._pause_s, factor=2.0, longest_s=10.0),
        )

    def workflow(self, run_id: str) -> Workflow | None:
        """Returns the workflow behind a run; None where the server does not tell.

        It comes from the older API, v1beta1, which servers may stop offering.
        """
        path = f"/apis/v1beta1/runs/{quote(run_id, safe='')}"
        try:
            value = json.loads(self._repeat(lambda: self.fetch(path, limit=MAX_WORKFLOW_BYTES)))
            return read_workflow(value["pipeline_runtime"]["workflow_manifest"])
        except (OcrError, ValueError, KeyError, TypeError):
            return None

    def pages(self, method: Callable[..., Any], field: str, **options: Any) -> Iterator[Any]:
        """Yields the items of a list, page by page."""
        token = ""
        while True:
            page = self.read(method, page_token=token, page_size=PAGE, **options)
            yield from getattr(page, field) or ()
            token = page.next_page_token
            if not token:
                return

    def named(self, method: Callable[..., Any], field: str, name: str, **options: Any) -> list[Any]:
        """Returns the items of a list whose display name is just this one."""
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        chosen = json.dumps({"predicates": [predicate]})
        return [
            item
            for item in self.pages(method, field, filter=chosen, **options)
            if item.display_name == name
        ]

    @property
    def namespace(self) -> dict[str, str]:
        """The runs' namespace as an option of those calls that take one; nothing where unset."""
        name = self.connection.namespace
        return {"namespace": name} if name else {}

    def experiment(self, name: str) -> str:
        """Returns the id of an experiment, which is created where it is missing."""
        existing = self.named(
            self.experiments.experiment_service_list_experiments,
            "experiments",
            name,
            **self.namespace,
        )
        if existing:
            return str(existing[0].experiment_id)
        new = kfp_server_api.V2beta1Experiment(display_name=name, **self.namespace)
        try:
            return str(
                self.call(self.experiments.experiment_service_create_experiment, new).experiment_id
            )
        except AlreadyExistsError:  # another process was faster
            return self.experiment(name)

    def link(self, path: str) -> str:
        """Returns the page of the user interface, or an empty string where none is known."""
        return f"{self.ui}/#/{path}" if self.ui else ""

    @cached_property
    def ui(self) -> str:
        """Base URL of the user interface: as given, or the host where that has pages itself.

        A gateway has, or asks for a login; the API server's own port, forwarded or not, has none.
        """
        if self.connection.ui:
            return self.connection.ui
        headers = {"Cookie": self.connection.cookie} if self.connection.cookie else {}
        self.client.update_params_for_auth(headers, [], ["Bearer"])
        try:
            answer = self.client.rest_client.pool_manager.request(
                "GET",
                f"{self.connection.host}/",
                headers=headers,
                timeout=urllib3.Timeout(*UI_TIMEOUT_S),
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError:
            return ""
        answer.close()
        page = answer.headers.get("Content-Type", "").startswith("text/html")
        has_pages = (answer.status == 200 and page) or 300 <= answer.status < 400
        return self.connection.host if has_pages else ""


@contextmanager
def _plain_failures(host: str) -> Iterator[None]:
    """Turns what a call may raise into the errors of this project."""
    try:
        yield
    except ApiException as error:
        raise _failure(host, error) from None
    except urllib3.exceptions.HTTPError as error:
        raise ServiceError(f"{host}: {_plainly(error)}.") from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        if isinstance(error.__context__, ApiException):  # it stumbles over its own failures
            raise _failure(host, error.__context__) from None
        raise ServiceError(
            f"{host}: what came back is no answer of Kubeflow Pipelines. Check the address."
        ) from None


def _configuration(connection: Connection) -> Any:
    configuration = kfp_server_api.Configuration(host=connection.host)
    configuration.retries = False  # `read` does that, and redirects lead to login pages
    if connection.token:
        token = connection.token

        def refresh(refreshed: Any) -> None:
            refreshed.api_key["authorization"] = token()

        configuration.api_key_prefix["authorization"] = "Bearer"
        refresh(configuration)
        configuration.refresh_api_key_hook = refresh
    return configuration


def _failure(host: str, error: ApiException) -> Exception:
    message = _message(error.body)
    if not error.status:
        return RejectedError(
            f"{host}: {_last_line(error.reason)}. If its certificate is your own "
            f"authority's, name that in {MORE_CA}."
        )
    if error.status in (401, 403) or 300 <= (error.status or 0) < 400:
        cause = f"not let in ({error.status}{f': {message}' if message else ''})"
        return ConfigError(
            host, cause, "Give a token, a cookie, or a name and password: see --help"
        )
    words = f"{host}: {message or error.reason or 'no reason given'} ({error.status})."
    if error.status == 404:
        return NotFoundError(words)
    if error.status == 409:
        return AlreadyExistsError(words)
    refused = 400 <= (error.status or 0) < 500 and error.status != 429
    return RejectedError(words) if refused else ServiceError(words)


def _message(body: str | bytes | None) -> str:
    """Returns what an error's body says, in one line; nothing where it is a page."""
    try:
        value = json.loads(body or "{}")
        text = str(value.get("error") or value.get("message") or value.get("error_message") or "")
    except (ValueError, AttributeError):
        return ""
    return " ".join(text.split())[:300].rstrip(". ")


def _last_line(text: str | None) -> str:
    return (text or "no connection").strip().splitlines()[-1].rstrip(".")


def _plainly(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "it cannot be reached"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "it does not answer in time"
    return f"the connection broke off ({type(error).__name__})"
