"""Who may talk to a Triton: where it listens, TLS, and what only deployers may do."""

import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from ocr_lib.errors import ConfigError
from ocr_lib.serving.connection import ADMIN_HEADER, MAKE_ADMIN_KEY
from ocr_lib.settings import Settings, variable_name
from ocr_lib.tls import load_authorities, load_certificate

Address = IPv4Address | IPv6Address
LOOPBACK = IPv4Address("127.0.0.1")
ADMIN_KEY = variable_name("triton_admin_key")

# What changes models or shows what others do. Inference, metadata and health stay open.
RESTRICTED = ("model-repository", "model-config", "shared-memory", "statistics", "trace", "logging")

# Triton's options that keep management from those without the key. Triton takes the key in its
# arguments only: `hidden_arguments.py` puts it there, where no list of processes shows it.
RESTRICTIONS = (
    f"--grpc-restricted-protocol={','.join(RESTRICTED)}:{ADMIN_HEADER}={{{ADMIN_KEY}}}",
    f"--http-restricted-api={','.join(RESTRICTED)}:{ADMIN_HEADER}={{{ADMIN_KEY}}}",
)


@dataclass(frozen=True)
class ServerTls:
    """A server's certificate, and whose clients it takes.

    Attributes:
        cert: PEM file of the certificate chain.
        key: PEM file of its private key.
        client_ca: PEM file of the authority that clients' certificates have to come from; None
            takes clients without a certificate.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None

    @classmethod
    def from_env(cls) -> "ServerTls | None":
        """Reads OCR_TRITON_SERVER_CERT, OCR_TRITON_SERVER_KEY and OCR_TRITON_CLIENT_CA.

        Raises:
            ConfigError: one of the first two is missing, a file is, or it holds something else.
        """
        names = ("OCR_TRITON_SERVER_CERT", "OCR_TRITON_SERVER_KEY", "OCR_TRITON_CLIENT_CA")
        settings = Settings.from_env()
        values = [
            settings.triton_server_cert,
            settings.triton_server_key,
            settings.triton_client_ca,
        ]
        if not any(values):
            return None
        for name, value in zip(names, values, strict=True):
            if not value and name != names[2]:
                raise ConfigError(name, "is not set", "Name the PEM file, or unset the others")
            if value and not Path(value).is_file():
                raise ConfigError(name, f"there is no file {value}", "Check the path")
        cert, key, client_ca = values
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_certificate(context, cert, key, names[0])
        if client_ca:
            load_authorities(context, client_ca, names[2])
        return cls(Path(cert), Path(key), Path(client_ca) if client_ca else None)

    def arguments(self) -> list[str]:
        """Returns tritonserver's options."""
        common = [f"--grpc-server-cert={self.cert}", f"--grpc-server-key={self.key}"]
        if self.client_ca is None:
            return ["--grpc-use-ssl=true", *common]
        return ["--grpc-use-ssl-mutual=true", f"--grpc-root-cert={self.client_ca}", *common]


def parse_address(address: str) -> Address:
    """Returns the address to listen on.

    Raises:
        ConfigError: it is neither an IP address nor `localhost`.
    """
    if address == "localhost":
        return LOOPBACK
    try:
        return ip_address(address)
    except ValueError:
        raise ConfigError(
            "--address",
            f"{address!r} is not an IP address",
            f"Give {LOOPBACK} for this machine alone, or 0.0.0.0 for all its networks",
        ) from None


def check_open_address(address: Address, admin_key: str) -> None:
    """Refuses to let other machines reach a server that asks for no management key.

    Loading a model is running code: Triton takes a Python model's source with the request.

    Raises:
        ConfigError: there is no key, and the address is not of this machine alone.
    """
    if not admin_key and not address.is_loopback:
        raise ConfigError(
            f"address {address}",
            "there is no management key, so other machines could load models, and run code",
            f"Make a key with `{MAKE_ADMIN_KEY}`, and set OCR_TRITON_ADMIN_KEY to it, or "
            "OCR_TRITON_ADMIN_KEY_FILE to its file, here and where you deploy from; "
            f"or listen on {LOOPBACK}",
        )
