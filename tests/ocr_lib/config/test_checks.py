"""Range checks of blocks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from ocr_lib.config.checks import above, at_least, below, one_of, probability
from ocr_lib.config.location import FieldError


@dataclass
class Block:
    share: Any = None


@pytest.mark.parametrize(
    ("check", "good", "bad", "said"),
    [
        (partial(at_least, low=1), [1, 2.5, None], [0, 0.9], "Write 1 or more"),
        (partial(above, low=0), [0.1, None], [0, -1], "Write more than 0"),
        (partial(below, high=1), [0.9, None], [1, 2], "Write less than 1"),
        (partial(one_of, known=["a", 3]), ["a", 3], ["b", None], "Known: a, 3"),
        (probability, [0, 0.5, 1], [-0.1, 1.1, float("nan")], "Give a probability"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_field(
    check: Callable[..., None], good: list[Any], bad: list[Any], said: str
) -> None:
    def ask(value: Any) -> None:
        arguments = getattr(check, "keywords", {})
        getattr(check, "func", check)(Block(value), *arguments.values(), "share")

    for value in good:
        ask(value)
    for value in bad:
        with pytest.raises(FieldError, match=rf"Block\.share: is .*{said}"):
            ask(value)
