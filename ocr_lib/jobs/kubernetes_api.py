"""A thin client of one namespace of a Kubernetes cluster: PaddleJobs, their pods, logs and events.

Every call has a deadline and is repeated while the API server is away; what is not there is None,
not an exception. Objects are plain dictionaries, as the server sent them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, retry
from ocr_lib.settings import Settings

GROUP, VERSION, PLURAL = "kubeflow.org", "v1", "paddlejobs"
ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NAMESPACE_FILE = ACCOUNT_FOLDER / "namespace"
TIMEOUT_S = (5.0, 30.0)  # to connect, of silence
RETRY_S = 120.0  # how long an API server may be away
MAX_LOG_BYTES = 4 << 20  # of one read
MAX_LOG_LINES = 5000  # of the first read

T = TypeVar("T")
Tree = dict[str, Any]


class KubernetesError(ServiceError):
    """The cluster refused, or did not answer in time."""


class KubernetesApi:
    """One namespace.

    Args:
        api: a configured client.
        namespace: where the jobs are.
    """

    def __init__(self, api: Any, namespace: str) -> None:
        self.namespace = namespace
        self._core = client.CoreV1Api(api)
        self._custom = client.CustomObjectsApi(api)

    @classmethod
    def connect(cls, namespace: str | None = None) -> "KubernetesApi":
        """Connects as the launcher's account, the pod's own, or as KUBECONFIG's context says.

        The account that starts training jobs is not that of a run's pods: only the pods that start
        or end such jobs have its token, see `Settings.kubernetes_token_file`.

        Args:
            namespace: where the jobs are; None for the pod's own, or the context's.

        Raises:
            ClusterError: neither is there.
        """
        try:
            if in_cluster():
                pod_namespace = NAMESPACE_FILE.read_text("utf-8").strip()
                return cls(client.ApiClient(pod_configuration()), namespace or pod_namespace)
            files = (
                Settings.from_env().kubeconfig or None
            )  # the client looks when it is imported, once
            config.load_kube_config(files)
            context = config.list_kube_config_contexts(files)[1]["context"]
        except (config.ConfigException, OSError) as error:
            raise KubernetesError(
                f"no Kubernetes cluster here ({error}). Run this in a pod, or set KUBECONFIG."
            ) from error
        return cls(client.ApiClient(), namespace or context.get("namespace", "default"))

    def knows_paddlejobs(self) -> bool:
        """Tells whether the cluster has PaddleJobs; any account may ask this."""
        answer = self._call(
            lambda: self._custom.get_api_resources(GROUP, VERSION, _request_timeout=TIMEOUT_S),
            f"look up {GROUP}/{VERSION}",
            absent=(404,),
        )
        return answer is not None and any(item.name == PLURAL for item in answer.resources)

    def create_job(self, body: Tree) -> bool:
        """Creates a PaddleJob; False where one of that name is there already."""
        created = self._call(
            lambda: self._custom.create_namespaced_custom_object(
                GROUP, VERSION, self.namespace, PLURAL, body, _request_timeout=TIMEOUT_S
            ),
            "create a PaddleJob",
            absent=(409,),
        )
        return created is not None

    def job(self, name: str) -> Tree | None:
        """Returns a PaddleJob, or None where there is none."""
        paddle_job: Tree | None = self._call(
            lambda: self._custom.get_namespaced_custom_object(
                GROUP, VERSION, self.namespace, PLURAL, name, _request_timeout=TIMEOUT_S
            ),
            f"read PaddleJob {name}",
            absent=(404, 410),
        )
        return paddle_job

    def jobs(self, selector: str) -> list[Tree]:
        """Returns the PaddleJobs with those labels; none where the cluster knows no PaddleJob."""
        answer = self._call(
            lambda: self._custom.list_namespaced_custom_object(
                *(GROUP, VERSION, self.namespace, PLURAL),
                label_selector=selector,
                _request_timeout=TIMEOUT_S,
            ),
            "list PaddleJobs",
            absent=(404,),
        )
        return list(answer["items"]) if answer else []

    def delete_job(self, name: str) -> None:
        """Deletes a PaddleJob with its pods; one that is not there is no error."""
        self._call(
            lambda: self._custom.delete_namespaced_custom_object(
                *(GROUP, VERSION, self.namespace, PLURAL, name),
                propagation_policy="Foreground",
                _request_timeout=TIMEOUT_S,
            ),
            f"delete PaddleJob {name}",
            absent=(404, 409, 410),
        )

    def pods(self, selector: str) -> list[Tree]:
        """Returns the pods with those labels."""
        return self._items(
            lambda: self._core.list_namespaced_pod(
                self.namespace,
                label_selector=selector,
                _preload_content=False,
                _request_timeout=TIMEOUT_S,
            ),
            "list pods",
        )

    def events(self, name: str) -> list[Tree]:
        """Returns the events about an object."""
        return self._items(
            lambda: self._core.list_namespaced_event(
                self.namespace,
                field_selector=f"involvedObject.name={name}",
                _preload_content=False,
                _request_timeout=TIMEOUT_S,
            ),
            "list events",
        )

    def container_log(self, pod: str, container: str, *, max_bytes: int) -> bytes | None:
        """Returns the end of a container's log as it is; None where there is none. Asks once.

        The server cuts to whole lines first and then to bytes: very long lines may cost the end.
        """
        return self._call(
            lambda: (
                self._core.read_namespaced_pod_log(
                    *(pod, self.namespace),
                    container=container,
                    tail_lines=MAX_LOG_LINES,
                    limit_bytes=max_bytes,
                    _preload_content=False,
                    _request_timeout=TIMEOUT_S,
                ).data
            ),
            f"read the log of {pod}",
            absent=(400, 404, 410),
            retry_s=0.0,
        )

    def log(self, pod: str, *, since_s: int | None = None, previous: bool = False) -> str:
        """Returns a pod's log with times; empty where there is none (yet, or any more).

        Args:
            pod: its name.
            since_s: only the lines of the last N seconds.
            previous: of the container before its last restart.
        """
        more = {"since_seconds": since_s} if since_s else {"tail_lines": MAX_LOG_LINES}
        content = self._call(
            lambda: (
                self._core.read_namespaced_pod_log(
                    *(pod, self.namespace),
                    timestamps=True,
                    previous=previous,
                    limit_bytes=MAX_LOG_BYTES,
                    _preload_content=False,
                    _request_timeout=TIMEOUT_S,
                    **more,
                ).data
            ),
            f"read the log of {pod}",
            absent=(400, 404, 410),  # 400: the container has not started
        )
        return bytes(content or b"").decode(errors="replace")

    def _items(self, send: Callable[[], Any], action: str) -> list[Tree]:
        answer = self._call(lambda: json.loads(send().data), action)
        return list(answer.get("items") or ()) if answer else []

    def _call(
        self,
        send: Callable[[], T],
        action: str,
        absent: tuple[int, ...] = (),
        retry_s: float | None = None,
    ) -> T | None:
        """Sends a request until it is answered; None for a status in `absent`."""
        try:
            return retry(
                send,
                lambda error: _passing(error) and not _says_absent(error, absent),
                RETRY_S if retry_s is None else retry_s,
                Pauses(0.5, factor=2.0, longest_s=10.0, spread=0.5),
            )
        except ApiException as error:
            if _says_absent(error, absent):
                return None
            raise KubernetesError(self._failed(action, error.status, error)) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise KubernetesError(
                f"cannot {action}: the API server does not answer ({error}). "
                "Check the cluster, then run this again."
            ) from error

    def _failed(self, action: str, status: int, error: ApiException) -> str:
        message = str(_field(error, "message") or error.reason)
        step = "Look at the cluster's state"
        if status in (401, 403):
            step = (
                "Apply manifests/steps, which gives the account ocr-launcher its rights and makes "
                "its token, or give this account the rights that docs/distributed.md lists"
            )
        return f"cannot {action} in namespace {self.namespace}: {message} ({status}). {step}."


def in_cluster() -> bool:
    """Tells whether this process is in a pod with a service account."""
    return NAMESPACE_FILE.exists() and bool(Settings.from_env().kubernetes_host)


def pod_configuration() -> client.Configuration:
    """Returns the configuration of a client in a pod; the token is read again every minute.

    Raises:
        kubernetes.config.ConfigException: a file is missing or empty.
    """
    launcher = Path(Settings.from_env().kubernetes_token_file)
    token = launcher if launcher.exists() else ACCOUNT_FOLDER / "token"
    configuration = client.Configuration()
    loader = config.incluster_config.InClusterConfigLoader(
        token_filename=str(token), cert_filename=str(ACCOUNT_FOLDER / "ca.crt")
    )
    loader.load_and_set(configuration)
    return configuration


def _passing(error: Exception) -> bool:
    """Tells whether a failure goes by itself: too many requests, or the server's own trouble."""
    if isinstance(error, ApiException):
        passes = error.status == 429 or error.status >= 500 or error.status == 0
        return bool(passes or _is_conflict(error))
    return isinstance(error, urllib3.exceptions.HTTPError | OSError)


def _says_absent(error: Exception, absent: tuple[int, ...]) -> bool:
    return getattr(error, "status", None) in absent and not _is_conflict(error)


def _is_conflict(error: Exception) -> bool:
    """Tells a 409 of writers in each other's way, such as of a quota, from "already exists"."""
    return getattr(error, "status", None) == 409 and _field(error, "reason") == "Conflict"


def _field(error: Any, name: str) -> Any:
    """Returns a field of the `Status` that an API server answers a failure with, if it did."""
    try:
        return json.loads(error.body).get(name)
    except (ValueError, TypeError, AttributeError):
        return None
