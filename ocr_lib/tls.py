"""Which certificates the clients of this project trust."""

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
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError as error:
            cause = f"{ca_file} holds no certificates"
            raise ConfigError(where, cause, "Name a file in PEM format") from error
        except OSError as error:
            cause = f"{ca_file} cannot be read ({error.strerror})"
            raise ConfigError(where, cause, "Check the path") from error
    return context
