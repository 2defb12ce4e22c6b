import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import ConfigError
from ocr_lib.serving.network_key import PARAMETER, has_key, network_key

KEY = "0123456789abcdef"


def test_the_key_is_the_servers_or_follows_from_the_management_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OCR_TRITON_NETWORK_KEY", raising=False)
    monkeypatch.delenv("OCR_TRITON_ADMIN_KEY", raising=False)
    with pytest.raises(ConfigError, match="OCR_TRITON_ADMIN_KEY: is not set, and networks would"):
        network_key()
    monkeypatch.setenv("OCR_TRITON_ADMIN_KEY", KEY)
    derived = network_key()
    assert len(derived) == 64
    assert KEY not in derived
    monkeypatch.setenv("OCR_TRITON_ADMIN_KEY", KEY[::-1])
    assert network_key() != derived
    monkeypatch.setenv("OCR_TRITON_NETWORK_KEY", "drawn")
    assert network_key() == "drawn"


def test_only_the_key_is_the_key() -> None:
    assert has_key(json.dumps({PARAMETER: KEY, "priority": 1}), KEY)
    for value in (KEY[:-1], KEY + "0", KEY.upper(), "", None, 0, True, [KEY]):
        assert not has_key(json.dumps({PARAMETER: value}), KEY)


@given(st.text() | st.just("[" * 100_000) | st.just('{"a": ' * 100_000))
def test_parameters_that_are_none_hold_no_key(text: str) -> None:
    assert not has_key(text, KEY)
