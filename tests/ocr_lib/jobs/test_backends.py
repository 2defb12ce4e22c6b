import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.jobs.backends import BACKENDS, find_backend


@pytest.mark.parametrize("name", ["local", "paddlejob"])
def test_training_in_the_step_and_in_pods_is_available(name: str) -> None:
    assert find_backend(name) is BACKENDS[name]


def test_what_is_not_says_what_is() -> None:
    with pytest.raises(ConfigError, match=r"not a known backend\. Available: local, paddlejob"):
        find_backend("horovod")
