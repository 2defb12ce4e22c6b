"""How a client reaches Triton: TLS, the key that management calls carry, what errors mean.

Everything comes from the environment (`triton_…` in `Settings`) or from files, never from a
command line, which other processes of a machine can read.
"""

from dataclasses import dataclass, field
from pathlib import Path

import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.regular_file import read_bounded
from ocr_lib.serving.client_tls import CA, PROBE_TIMEOUT_S, Tls, tls_problem
from ocr_lib.settings import Settings

MAX_KEY_BYTES = 64 << 10

ADMIN_HEADER = "ocr-admin"  # the name that Triton's restricted protocols give the key
MAX_MESSAGE_BYTES = 2**31 - 1
MAX_RECONNECT_MS = 1000  # a server that was started again is found again so soon
ADMIN_KEY_BYTES = 16
MAKE_ADMIN_KEY = "openssl rand -hex 24"
QUEUE_FULL = "maximum queue size"  # what Triton says then


@dataclass(frozen=True)
class TritonConnection:
    """What a client needs besides the address.

    Attributes:
        tls: None talks without encryption.
        admin_key: goes with management calls; never shown.
    """

    tls: Tls | None = None
    admin_key: str = field(default="", repr=False)

    @classmethod
    def from_env(cls) -> "TritonConnection":
        """Reads the variables above.

        Raises:
            ConfigError: a file that they name is missing, or the key is too short to be one.
        """
        settings = Settings.from_env()
        files = settings.triton_tls_ca, settings.triton_tls_cert, settings.triton_tls_key
        ca, cert, key = (Path(name) if name else None for name in files)
        if ca is None and (cert or key):
            if not settings.ca_file:
                raise ConfigError(CA, "is not set", "Name the PEM file of the servers' authority")
            ca = Path(settings.ca_file)
        name = settings.triton_tls_name or None
        return cls(Tls(ca, cert, key, name) if ca else None, admin_key())

    def open(self, url: str) -> grpc.InferenceServerClient:
        """Returns a client of `host:port`; connects with its first call."""
        arguments: list[tuple[str, int | str]] = [
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", MAX_RECONNECT_MS),
        ]
        if self.tls is None:
            return grpc.InferenceServerClient(url, channel_args=arguments)
        if self.tls.name:
            arguments.append(("grpc.ssl_target_name_override", self.tls.name))
        return grpc.InferenceServerClient(
            url,
            ssl=True,
            root_certificates=str(self.tls.ca),
            certificate_chain=str(self.tls.cert) if self.tls.cert else None,
            private_key=str(self.tls.key) if self.tls.key else None,
            channel_args=arguments,
        )

    @property
    def admin_headers(self) -> dict[str, str] | None:
        """What management calls carry."""
        return {f"triton-grpc-protocol-{ADMIN_HEADER}": self.admin_key} if self.admin_key else None


def admin_key() -> str:
    """Returns the management key of the environment, "" where there is none.

    Raises:
        ConfigError: the file cannot be read, or the key is too short.
    """
    settings = Settings.from_env()
    key, path = settings.triton_admin_key, settings.triton_admin_key_file
    if path:
        try:
            key = read_bounded(path, MAX_KEY_BYTES).decode().strip()
        except (OSError, ValueError) as error:
            raise ConfigError("OCR_TRITON_ADMIN_KEY_FILE", str(error), "Check the path") from error
    return check_admin_key(key)


def check_admin_key(key: str) -> str:
    """Returns a management key that is one, or "" for none.

    Raises:
        ConfigError: it is too short, or Triton's options would not take it as it is.
    """
    if key and (len(key) < ADMIN_KEY_BYTES or not key.isascii() or not key.isalnum()):
        raise ConfigError(
            "OCR_TRITON_ADMIN_KEY",
            f"not {ADMIN_KEY_BYTES} or more letters and digits",
            f"Make one with `{MAKE_ADMIN_KEY}`",
        )
    return key


def triton_error(
    url: str,
    action: str,
    error: InferenceServerException,
    tls: Tls | None = None,
    timeout_s: float = PROBE_TIMEOUT_S,
) -> ServiceError:
    """Returns the `ServiceError` that says what Triton's error means.

    Args:
        url: `host:port` of the server.
        action: what was tried.
        error: what it ended with.
        tls: of the client; None for no encryption.
        timeout_s: the longest to find out whether TLS is why.
    """
    status, message = str(error.status() or ""), str(error.message())
    if "This protocol is restricted" in message:
        step = "Set OCR_TRITON_ADMIN_KEY or OCR_TRITON_ADMIN_KEY_FILE to the server's key"
        return ServiceError(f"Triton at {url}: {action}: it wants the management key. {step}.")
    if QUEUE_FULL in message:
        step = "Ask later, or start more servers"
        return ServiceError(f"Triton at {url}: {action}: its queue is full. {step}.")
    if "UNAVAILABLE" in status:
        step = "Check the address, and that the server runs"
        problem = tls_problem(url, tls, timeout_s) or f"it does not answer. {step}."
        return ServiceError(f"Triton at {url}: {action}: {problem}")
    if "UNIMPLEMENTED" in status or "http2" in message.lower():
        step = "Check the address: it has to be the port of Triton's gRPC protocol"
        return ServiceError(f"Triton at {url}: {action}: something else answers there. {step}.")
    if "DEADLINE_EXCEEDED" in status:
        return ServiceError(f"Triton at {url}: {action}: no answer in time. Look at its load.")
    return ServiceError(f"Triton at {url}: {action}: {message}")
