import pytest

from components.train.backends import BACKENDS, find_backend
from ocr_lib.errors import ConfigError


def test_training_in_the_step_is_available() -> None:
    assert find_backend("local") is BACKENDS["local"]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("paddlejob", "not available in this version. Available: local"),
        ("horovod", "not a known backend. Available: local"),
    ],
)
def test_what_is_not_says_what_is(name: str, cause: str) -> None:
    with pytest.raises(ConfigError) as error:
        find_backend(name)
    assert cause in str(error.value)
