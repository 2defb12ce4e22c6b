"""Tables of configuration keys: for each key a second value, which makes another object.

A table has one row for each dataclass of arguments. `test_every_key_is_tested.py` holds the
tables together: a key that is in none of them fails there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ocr_lib.config.parse import key_of, keys_of
from ocr_lib.errors import ConfigError


@dataclass(frozen=True)
class Refused:
    """A second value that is refused: the key is accepted for its one value alone."""

    value: Any


@dataclass(frozen=True)
class Given:
    """A second value that counts only where other arguments have these values."""

    value: Any
    others: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """The keys of one dataclass.

    Attributes:
        part: what is built.
        effect: arguments → what they make, comparable.
        base: arguments that both of two objects have.
        keys: key → its second value; the first is the base's, or the default.
        config: the dataclass; `part.Config` by default.
    """

    part: Any
    effect: Callable[[Any, dict[str, Any]], Any]
    base: Mapping[str, Any]
    keys: Mapping[str, Any]
    config: Any = field(default=None)

    @property
    def declared(self) -> set[str]:
        """The keys of the dataclass."""
        return {key_of(item) for item in keys_of(self.config or self.part.Config)}


def parameters(rows: list[Row]) -> list[Any]:
    """Returns a pytest parameter for each key of a table."""
    return [
        pytest.param(row, key, id=f"{(row.config or row.part).__qualname__}.{key}")
        for row in rows
        for key in row.keys
    ]


def check(row: Row, key: str) -> None:
    """Fails unless the key's second value makes another object, or is refused where it must be."""
    second, base = row.keys[key], dict(row.base)
    if isinstance(second, Refused):
        with pytest.raises(ConfigError, match=key):
            row.effect(row.part, {**base, key: second.value})
        return
    if isinstance(second, Given):
        base |= second.others
        second = second.value
    assert row.effect(row.part, {**base, key: second}) != row.effect(row.part, base)
