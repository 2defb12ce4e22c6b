from typing import Any

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.runspec.parameters import RunParameters, parse_parameters


def test_the_defaults_are_accepted() -> None:
    assert parse_parameters({}) == RunParameters()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"train_minuts": 1}, "train_minuts: is not a known key. The nearest known name is train_"),
        ({"train_minutes": -1}, "train_minutes: is -1.0. Write 0 or more"),
        (
            {"train_backend": "trainjob"},
            "train_backend: is trainjob, which this version does not support yet. Write auto, pa",
        ),
        ({"train_backend": "horovod"}, "train_backend: is 'horovod', which is not known. Known: "),
        ({"train_workers": 0}, "train_workers: is 0, which is not a number of pods. Write 1 to"),
        ({"train_workers": 1001}, "train_workers: is 1001, which is not a number of pods"),
        ({"options": {"gat": {}}}, "options.gat: is not a known key. The nearest known name is g"),
        ({"triton_urls": [7]}, "triton_urls.0: is 7. Write a text"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_parameters(values)
    assert str(error.value).startswith(message)
