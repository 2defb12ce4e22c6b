"""Getting a session from Kubeflow's gateway by filling in Dex's login form.

Kubeflow's platform puts oauth2-proxy (formerly oidc-authservice) and Dex before everything; what a
browser has after logging in is a cookie, and the API takes the same one.
"""

import ssl
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.tls import trust

TIMEOUT_S = 20.0


class _Trusting(HTTPAdapter):  # type: ignore[misc]
    """Judges certificates by a context of its own."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)


def login(host: str, user: str, password: str, ca_file: str = "") -> str | None:
    """Logs in and returns the session's cookies; None where no login is asked for.

    Args:
        host: URL of the gateway.
        user: name in Dex.
        password: the user's.
        ca_file: PEM file of certificates to trust next to the usual ones.

    Raises:
        ConfigError: name or password is wrong.
        ServiceError: the gateway does not answer, or is no Dex.
    """
    try:
        with requests.Session() as session:
            if ca_file:
                session.mount("https://", _Trusting(trust(ca_file)))
            session.headers["User-Agent"] = "ocr-pipelines"
            return _login(session, host, user, password)
    except requests.RequestException as error:
        raise ServiceError(f"{host}: the login failed ({type(error).__name__}).") from None


def _login(session: requests.Session, host: str, user: str, password: str) -> str | None:
    page = session.get(f"{host}/", timeout=TIMEOUT_S)
    if page.status_code in (401, 403):  # oauth2-proxy's page with a button
        page = session.get(f"{host}/oauth2/start", timeout=TIMEOUT_S)
    if not page.history:
        return None
    address = urlsplit(page.url)
    if "/auth" not in address.path:
        raise ServiceError(f"{host}: it leads to {page.url.split('?')[0]}, which is no Dex.")
    if address.path.endswith("/auth"):  # a page that lets one choose; `local` has passwords
        address = address._replace(path=f"{address.path}/local")
        page = session.get(urlunsplit(address), timeout=TIMEOUT_S)
    answer = session.post(page.url, data={"login": user, "password": password}, timeout=TIMEOUT_S)
    if not answer.history or urlsplit(answer.url).path.endswith("/login"):
        raise ConfigError(host, f"Dex does not know {user!r} with this password", "Check both")
    if urlsplit(answer.url).path.endswith("/approval"):
        session.post(answer.url, data={"approval": "approve"}, timeout=TIMEOUT_S)
    name = urlsplit(host).hostname or ""
    return "; ".join(f"{c.name}={c.value}" for c in session.cookies if name in c.domain + name)
