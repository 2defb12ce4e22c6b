"""Which servers a command asks: those of the command line, of the environment, or the default."""

import pytest

from ocr_lib.errors import ConfigError
from pipelines.cli.server_options import DEFAULT_URL, URLS, server_urls


def test_servers_are_named_by_option_then_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URLS, raising=False)
    assert server_urls(()) == [DEFAULT_URL]
    monkeypatch.setenv(URLS, "a:1,b:2")
    assert server_urls(()) == ["a:1", "b:2"]
    assert server_urls(("c:3",)) == ["c:3"]
    monkeypatch.setenv(URLS, "http://a:1")
    with pytest.raises(ConfigError, match=URLS):
        server_urls(())
