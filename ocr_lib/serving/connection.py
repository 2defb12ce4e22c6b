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
from ocr_lib.settings import Settings

MAX_KEY_BYTES = 64 << 10

ADMIN_HEADER = "ocr-admin"  # the name that Triton's restricted protocols give the key
MAX_MESSAGE_BYTES = 2**31 - 1
MAX_RECONNECT_MS = 1000  # a server that was started again is found again so soon
ADMIN_KEY_BYTES = 16
MAKE_ADMIN_KEY = "openssl rand -hex 24"


@dataclass(frozen=True)
class Tls:
    """Encryption, and with a certificate of one's own mutual authentication.

    Attributes:
        ca: PEM file of the certificates to trust.
        cert: PEM file of the client's certificate chain.
        key: PEM file of the client's private key.
        name: the name to look for in the server's certificate; None takes the address's host.
    """

    ca: Path
    cert: Path | None = None
    key: Path | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ConfigError(
                "TLS", "a certificate or its key is missing", "Give both, or none of them"
            )
        for path in filter(None, (self.ca, self.cert, self.key)):
            if not path.is_file():
                raise ConfigError("TLS", f"there is no file {path}", "Check the path")


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
                raise ConfigError("OCR_TRITON_TLS_CA", "is not set", "Name the CA's certificates")
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


def triton_error(url: str, action: str, error: InferenceServerException) -> ServiceError:
    """Returns the `ServiceError` that says what Triton's error means."""
    status, message = str(error.status() or ""), str(error.message())
    if "This protocol is restricted" in message:
        step = "Set OCR_TRITON_ADMIN_KEY or OCR_TRITON_ADMIN_KEY_FILE to the server's key"
        return ServiceError(f"Triton at {url}: {action}: it wants the management key. {step}.")
    if "maximum queue size" in message:
        step = "Ask later, or start more servers"
        return ServiceError(f"Triton at {url}: {action}: its queue is full. {step}.")
    if "UNAVAILABLE" in status and "handshake" in message.lower():
        step = "Check OCR_TRITON_TLS_CA and OCR_TRITON_TLS_NAME"
        return ServiceError(f"Triton at {url}: {action}: TLS fails ({message}). {step}.")
    if "UNAVAILABLE" in status:
        step = "Check the address, that the server runs, and whether it wants TLS"
        return ServiceError(f"Triton at {url}: {action}: it does not answer. {step}.")
    if "UNIMPLEMENTED" in status or "http2" in message.lower():
        step = "Check the address: it has to be the port of Triton's gRPC protocol"
        return ServiceError(f"Triton at {url}: {action}: something else answers there. {step}.")
    if "DEADLINE_EXCEEDED" in status:
        return ServiceError(f"Triton at {url}: {action}: no answer in time. Look at its load.")
    return ServiceError(f"Triton at {url}: {action}: {message}")
