"""Which certificates the clients of this project trust, and which ones its files hold."""

import ssl

from ocr_lib.errors import ConfigError


def trust(ca_file: str, where: str = "OCR_CA_FILE") -> ssl.SSLContext:
    """Returns a client's TLS context that trusts the system's authorities and those of a file.

    Args:
        ca_file: PEM file of certificates; empty for the system's alone.
        where: the setting that named the file, for errors.

    Raises:
        ConfigError: the file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file:
        load_authorities(context, ca_file, where)
    return context


def load_authorities(context: ssl.SSLContext, ca_file: str, where: str) -> None:
    """Makes a context trust the certificates of a file.

    Args:
        context: of a client or a server.
        ca_file: PEM file of certificates.
        where: the setting that named the file, for errors.

    Raises:
        ConfigError: the file cannot be read or holds no certificate.
    """
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as error:
        cause = f"{ca_file} holds no certificates"
        raise ConfigError(where, cause, "Name a file in PEM format") from error
    except OSError as error:
        cause = f"{ca_file} cannot be read ({error.strerror})"
        raise ConfigError(where, cause, "Check the path") from error


def load_certificate(context: ssl.SSLContext, cert: str, key: str, where: str) -> None:
    """Gives a context a certificate of its own.

    Args:
        context: of a client or a server.
        cert: PEM file of the certificate chain.
        key: PEM file of its private key, without a pass phrase.
        where: the setting that named the certificate, for errors.

    Raises:
        ConfigError: a file cannot be read, is not one, or the key is of another certificate.
    """
    try:
        context.load_cert_chain(cert, key, password="")  # else it asks a terminal for one
    except ssl.SSLError as error:
        cause = f"{cert} and {key} are not a certificate and its key"
        fix = "Name PEM files of one pair, the key without a pass phrase"
        raise ConfigError(where, cause, fix) from error
    except OSError as error:
        cause = f"{cert} or its key {key} cannot be read ({error.strerror})"
        raise ConfigError(where, cause, "Check the paths") from error
