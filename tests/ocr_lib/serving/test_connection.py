"""What a client's environment says about TLS and the management key."""

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.serving.connection import TritonConnection
from tests.ocr_lib.serving.certificates import KEY, Certificates


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_TRITON_ADMIN_KEY", KEY)
    connection = TritonConnection.from_env()
    assert connection.admin_headers == {"triton-grpc-protocol-ocr-admin": KEY}
    assert KEY not in repr(connection)
    for bad in ("short", KEY + "=", KEY + ",x", "é" * 20):
        monkeypatch.setenv("OCR_TRITON_ADMIN_KEY", bad)
        with pytest.raises(ConfigError, match="OCR_TRITON_ADMIN_KEY") as error:
            TritonConnection.from_env()
        assert bad not in str(error.value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OCR_TRITON_TLS_CA": "/none.pem"}, r"no file /none\.pem"),
        ({"OCR_TRITON_TLS_CERT": "/x.pem"}, "OCR_TRITON_TLS_CA: is not set"),
        ({"OCR_TRITON_TLS_CERT": "CA", "OCR_CA_FILE": "CA"}, "OCR_TRITON_TLS_KEY: is not set"),
        (
            {"OCR_TRITON_TLS_CA": "CA", "OCR_TRITON_TLS_KEY": "CA"},
            "OCR_TRITON_TLS_CERT: is not set",
        ),
        ({"OCR_TRITON_ADMIN_KEY_FILE": "/none"}, "OCR_TRITON_ADMIN_KEY_FILE"),
    ],
)
def test_bad_settings_are_named(
    certificates: Certificates,
    variables: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, str(certificates.ca) if value == "CA" else value)
    with pytest.raises(ConfigError, match=message):
        TritonConnection.from_env()
