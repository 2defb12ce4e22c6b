"""Kubeflow Pipelines' REST API (v2beta1) through its published client, with plain failures.

Every request has a deadline. What only reads is repeated while the server is away; what creates is
not, since it is unknown whether it was done: `upload` and `schedule` look before they create.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import kfp_server_api
import urllib3
from kfp_server_api.exceptions import ApiException

from ocr_lib.errors import ConfigError, ServiceError
from pipelines.kfp_api.connection import CA, Connection

TIMEOUT_S = (5.0, 30.0)  # to connect, and between bytes
READ_FOR_S = 60.0  # how long to repeat what only reads
PAUSE_S = 1.0
PAGE = 50


class RefusedError(ServiceError):
    """The server does not want this request, however often it comes."""


class NotFoundError(RefusedError):
    """The server has no such thing."""


class AlreadyExistsError(RefusedError):
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
        self.client = client
        self.pipelines = kfp_server_api.PipelineServiceApi(client)
        self.uploads = kfp_server_api.PipelineUploadServiceApi(client)
        self.runs = kfp_server_api.RunServiceApi(client)
        self.schedules = kfp_server_api.RecurringRunServiceApi(client)
        self.experiments = kfp_server_api.ExperimentServiceApi(client)

    def read(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Calls what only reads, or what may be done twice; repeats it while the server is away."""
        ends = time.monotonic() + self._read_for_s
        pause = self._pause_s
        while True:
            try:
                return self.call(method, *args, **options)
            except RefusedError:
                raise
            except ServiceError:
                if time.monotonic() + pause > ends:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 10.0)

    def call(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Calls one method of the API, once.

        Raises:
            ConfigError: who asks is not let in.
            RefusedError: 4xx; `NotFoundError` and `AlreadyExistsError` are 404 and 409.
            ServiceError: any other failure, in one line.
        """
        host = self.connection.host
        try:
            answer = method(*args, **options, _request_timeout=TIMEOUT_S)
            json.loads(self.client.last_response.data)  # the client makes a model of anything
            return answer
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
        found = self.named(
            self.experiments.experiment_service_list_experiments,
            "experiments",
            name,
            **self.namespace,
        )
        if found:
            return str(found[0].experiment_id)
        new = kfp_server_api.V2beta1Experiment(display_name=name, **self.namespace)
        try:
            return str(
                self.call(self.experiments.experiment_service_create_experiment, new).experiment_id
            )
        except AlreadyExistsError:  # another process was faster
            return self.experiment(name)

    def link(self, path: str) -> str:
        """Returns the page of the user interface, or an empty string where none is known."""
        return f"{self.connection.ui}/#/{path}" if self.connection.ui else ""


def _configuration(connection: Connection) -> Any:
    configuration = kfp_server_api.Configuration(host=connection.host)
    configuration.retries = False  # `read` does that, and redirects lead to login pages
    if connection.ca_file:
        configuration.ssl_ca_cert = connection.ca_file
    if connection.token:
        token = connection.token

        def refresh(found: Any) -> None:
            found.api_key["authorization"] = token()

        configuration.api_key_prefix["authorization"] = "Bearer"
        refresh(configuration)
        configuration.refresh_api_key_hook = refresh
    return configuration


def _failure(host: str, error: ApiException) -> Exception:
    said = _message(error.body)
    if not error.status:
        return RefusedError(
            f"{host}: {_last_line(error.reason)}. If its certificate is your own "
            f"authority's, name that in {CA}."
        )
    if error.status in (401, 403) or 300 <= (error.status or 0) < 400:
        cause = f"not let in ({error.status}{f': {said}' if said else ''})"
        return ConfigError(
            host, cause, "Give a token, a cookie, or a name and password: see --help"
        )
    words = f"{host}: {said or error.reason or 'no reason given'} ({error.status})."
    if error.status == 404:
        return NotFoundError(words)
    if error.status == 409:
        return AlreadyExistsError(words)
    refused = 400 <= (error.status or 0) < 500 and error.status != 429
    return RefusedError(words) if refused else ServiceError(words)


def _message(body: str | bytes | None) -> str:
    """Returns what an error's body says, in one line; nothing where it is a page."""
    try:
        value = json.loads(body or "{}")
        text = str(value.get("error") or value.get("message") or "")
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
