"""Where Kubeflow Pipelines is and how to be let in: addresses by argument, secrets never.

| where the command runs | address | who it is |
| --- | --- | --- |
| in a pod of the cluster | the service's own name | the pod's projected token |
| behind a gateway with Dex | `--host https://…` | a session cookie, or name and password |
| behind a gateway with tokens | `--host https://…` | a bearer token |
| beside a cluster, with kubectl | `--port-forward` | kubectl's user |

Secrets come from the environment or from files that it names; a command line is for all to read.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ocr_lib.errors import ConfigError
from ocr_lib.regular_file import read_bounded
from ocr_lib.settings import Settings, variable_name
from ocr_lib.tls import trust

HOST, UI = variable_name("kubeflow_host"), variable_name("kubeflow_ui")  # kfp's own names
CA, MORE_CA = variable_name("kubeflow_ca"), variable_name("ca_file")
POD_TOKEN = variable_name("kubeflow_pod_token_file")
TOKEN, COOKIE = variable_name("kubeflow_token"), variable_name("kubeflow_cookie")
USER, PASSWORD = variable_name("kubeflow_username"), variable_name("kubeflow_password")
KFP_NAMESPACE = "kubeflow"


@dataclass(frozen=True, slots=True)
class Connection:
    """An address and what the requests carry.

    Attributes:
        host: base URL of the API.
        ui: base URL of the user interface; empty where it is not given.
        namespace: of the runs, in multi-user installations; empty for the single-user one.
        token: returns the bearer token, read again for each request, since tokens expire.
        cookie: of the session.
        ca_file: PEM file of certificates to trust next to the usual ones.
    """

    host: str
    ui: str = ""
    namespace: str = ""
    token: Callable[[], str] | None = field(default=None, repr=False)
    cookie: str | None = field(default=None, repr=False)
    ca_file: str = ""


def connect(host: str, ui: str = "", namespace: str = "") -> Connection:
    """Returns the connection to a host, with the credentials that the environment names.

    Raises:
        ConfigError: no host, or a secret would travel in clear text.
    """
    settings = Settings.from_env()
    ca_file = settings.kubeflow_ca or settings.ca_file
    if ca_file:
        trust(ca_file, CA if settings.kubeflow_ca else MORE_CA)
    token = _token(settings)
    if not host:
        host = _host_in_cluster(settings)
        token = token or _pod_token(settings)
    host = _checked_host(host)
    cookie = _secret(settings, "kubeflow_cookie")
    user = _secret(settings, "kubeflow_username")
    password = _secret(settings, "kubeflow_password")
    if token or cookie or password:
        _refuse_clear_text(host)
    if user and password and not token and not cookie:
        from pipelines.kfp_api.dex import login

        cookie = login(host, user, password, ca_file)
    return Connection(host, ui.rstrip("/"), namespace, token, cookie, ca_file)


def _token(settings: Settings) -> Callable[[], str] | None:
    """Returns what reads the token; a file is read again each time, because tokens expire."""
    name = "kubeflow_token"
    return (lambda: _secret(settings, name) or "") if _secret(settings, name) else None


def _pod_token(settings: Settings) -> Callable[[], str] | None:
    path = Path(settings.kubeflow_pod_token_file)
    return (lambda: read_bounded(path).decode().strip()) if path.is_file() else None


def _secret(settings: Settings, name: str) -> str | None:
    """Returns a secret of that field, or what the file holds that its other field names."""
    path = getattr(settings, f"{name}_file")
    if not path:
        return getattr(settings, name) or None
    try:
        return read_bounded(path).decode().strip() or None
    except OSError as error:
        raise ConfigError(
            variable_name(f"{name}_file"),
            f"{path} cannot be read ({error.strerror})",
            "Check the path",
        ) from None


def _host_in_cluster(settings: Settings) -> str:
    if not settings.kubernetes_host:
        raise ConfigError(
            "--host", "is not given", f"Give the URL of Kubeflow Pipelines, or set {HOST}"
        )
    return f"http://ml-pipeline.{KFP_NAMESPACE}.svc:8888"


def _checked_host(host: str) -> str:
    if not is_url(host):
        raise ConfigError("--host", f"{host!r} is not a URL", "Give https://host or http://host")
    parts = urlsplit(host)
    if parts.username or parts.password:
        raise ConfigError("--host", "has a password in it", f"Set {USER} and {PASSWORD}")
    return host.rstrip("/")


def is_url(text: str) -> bool:
    """Tells http://host and https://host from everything else."""
    try:
        parts = urlsplit(text)
        name, _ = parts.hostname, parts.port
    except ValueError:  # a port that is no number, or none that a port can be
        return False
    known = parts.scheme in ("http", "https") and not parts.query
    return known and re.fullmatch(r"[\w.:%-]+", name or "") is not None


def _refuse_clear_text(host: str) -> None:
    parts = urlsplit(host)
    name = parts.hostname or ""
    inside = name in ("localhost", "127.0.0.1", "::1") or name.endswith((".svc", ".cluster.local"))
    if parts.scheme == "http" and not inside:
        raise ConfigError(
            "--host", f"{host} would get the credentials in clear text", "Give its https:// address"
        )
