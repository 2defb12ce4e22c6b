"""The secret by which a network knows the calls of the model in front of it.

Both run in one server, which gives them the secret in its environment; clients never have it. It
goes with each call as a request parameter.
"""

import hashlib
import hmac
import json

from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings

PARAMETER = "ocr_network_key"


def network_key() -> str:
    """Returns the secret of this server.

    It is OCR_TRITON_NETWORK_KEY, which `ocr serve` draws at each start, or follows from the
    management key where Triton runs in a container of its own.

    Raises:
        ConfigError: the environment has neither.
    """
    settings = Settings.from_env()
    if settings.triton_network_key:
        return settings.triton_network_key
    if not settings.triton_admin_key:
        raise ConfigError(
            "OCR_TRITON_ADMIN_KEY",
            "is not set, and networks would take calls from clients",
            "Set it where Triton runs",
        )
    return hmac.new(settings.triton_admin_key.encode(), b"network", hashlib.sha256).hexdigest()


def has_key(parameters: str, key: str) -> bool:
    """Tells whether a request's parameters hold the secret.

    Args:
        parameters: as Triton's Python backend gives them: a JSON object, or nothing.
        key: the secret.
    """
    try:
        values = json.loads(parameters or "{}")
        given = str(values.get(PARAMETER, ""))
    except (ValueError, AttributeError, RecursionError):
        return False
    return hmac.compare_digest(given.encode("utf-8", "replace"), key.encode())
