"""TLS of a client: which certificates it trusts and shows, and why a server does not answer it."""

import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.errors import ConfigError
from ocr_lib.settings import variable_name
from ocr_lib.tls import load_authorities, load_certificate

CA, NAME = variable_name("triton_tls_ca"), variable_name("triton_tls_name")
CERT, KEY = variable_name("triton_tls_cert"), variable_name("triton_tls_key")
PROBE_TIMEOUT_S = 3.0
# What every HTTP/2 client begins with (RFC 9113, 3.4): the preface and an empty SETTINGS frame.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
OTHER_TIME = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


@dataclass(frozen=True)
class Tls:
    """Encryption, and with a certificate of one's own mutual authentication.

    Attributes:
        ca: PEM file of the certificates to trust.
        cert: PEM file of the client's certificate chain.
        key: PEM file of the client's private key.
        name: the name to look for in the server's certificate; None takes the address's host.

    Raises:
        ConfigError: a file is missing or holds something else.
    """

    ca: Path
    cert: Path | None = None
    key: Path | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        for where, given, other in ((CERT, self.cert, self.key), (KEY, self.key, self.cert)):
            if other and not given:
                raise ConfigError(where, "is not set", f"Set {CERT} and {KEY}, or none of them")
        for where, path in ((CA, self.ca), (CERT, self.cert), (KEY, self.key)):
            if path and not path.is_file():
                raise ConfigError(where, f"there is no file {path}", "Check the path")
        self.context()

    def context(self) -> ssl.SSLContext:
        """Returns the same as a context: it trusts these certificates alone, as gRPC does."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        load_authorities(context, str(self.ca), CA)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a leaf or intermediate will do
        if self.cert and self.key:
            load_certificate(context, str(self.cert), str(self.key), CERT)
        return context


def tls_problem(url: str, tls: Tls | None, timeout_s: float = PROBE_TIMEOUT_S) -> str:
    """Finds out whether TLS is why a server does not answer: connects to it again.

    gRPC says of most failures that the server cannot be reached. What is said here was so twice: a
    server that ends in the middle of a connection is gone with the second one.

    Args:
        url: `host:port`.
        tls: what the client tried; None for no encryption.
        timeout_s: for everything; time that ran out is not TLS's fault.

    Returns:
        The cause and the setting to change, as two sentences; "" where nothing answers there at
        all, or TLS is not why.
    """
    ends = time.monotonic() + timeout_s
    return _probe(url, tls, ends) and _probe(url, tls, ends)


def _probe(url: str, tls: Tls | None, ends: float) -> str:
    """Returns what `tls_problem` does, of one connection, until `ends` of the monotonic clock."""
    host, _, port = url.rpartition(":")
    host = host.strip("[]")
    context = tls.context() if tls else _trusts_everything()
    context.set_alpn_protocols(["h2"])  # without it gRPC's servers end the connection
    try:
        with socket.create_connection((host, int(port)), timeout=_left(ends)) as connection:
            name = (tls.name if tls else None) or host
            connection.settimeout(_left(ends))
            with context.wrap_socket(connection, server_hostname=name) as secured:
                if tls is None:
                    return f"it wants TLS. Set {CA} to the PEM file of its authority."
                secured.settimeout(_left(ends))
                return "" if _goes_on(secured) else _refused(tls)
    except ssl.SSLCertVerificationError as error:
        return _not_trusted(name, error)
    except ssl.SSLError as error:
        if tls is None or isinstance(error, ssl.SSLEOFError):
            return ""
        if error.reason in NO_TLS:
            return f"it speaks no TLS. Start it with a certificate, or unset {CA} and {CERT}."
        return f"TLS fails ({error.reason or error}). Check {CA} and {NAME}."
    except (OSError, ValueError):  # nothing is there, or the name cannot be one
        return ""


def _left(ends: float) -> float:
    """Returns the seconds until then; more than 0, which would mean not to wait."""
    return max(ends - time.monotonic(), 0.001)


def _trusts_everything() -> ssl.SSLContext:
    """Returns a context to find out whether a server speaks TLS; nothing is said over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _goes_on(secured: ssl.SSLSocket) -> bool:
    """Tells whether the server keeps the connection: with TLS 1.3 it judges the client last."""
    try:
        secured.sendall(PREFACE)
        return bool(secured.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


def _refused(tls: Tls) -> str:
    if tls.cert is None:
        return (
            f"it takes clients with a certificate only. Set {CERT} and {KEY} to the PEM files "
            "of one."
        )
    return (
        f"it does not trust the certificate {tls.cert}. Set {CERT} and {KEY} to a certificate "
        "of its authority and the key."
    )


def _not_trusted(name: str, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in OTHER_NAME:
        return f"its certificate is not for {name}. Set {NAME} to a name that it is for."
    if error.verify_code in OTHER_TIME:
        return (
            f"its certificate is out of date ({error.verify_message}). Renew it or set the clock."
        )
    return (
        f"its certificate is of no authority in {CA} ({error.verify_message}). Set {CA} to the PEM "
        "file of its authority."
    )
