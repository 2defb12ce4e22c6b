"""The parser of frozen dataclasses: kinds of values, what is refused, and where it says it was."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

from ocr_lib.config.checks import at_least
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import ComponentConfig, collects, parse, write
from ocr_lib.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    depth: int = 1

    def __post_init__(self) -> None:
        at_least(self, 1, "depth")


@dataclass(frozen=True, kw_only=True)
class Outer:
    IGNORED: ClassVar = ("legacy",)

    needed: int
    share: float = 0.5
    mode: Literal["fast", "slow"] = "fast"
    size: int | tuple[int, int] = 1
    limit: int | None = 7
    pairs: tuple[tuple[int, int], ...] = ()
    inner: Inner = field(default_factory=Inner, metadata={"key": "Inner"})
    shape: tuple[int, int] = field(default=(1, 1), metadata={"form": "[height, width]"})
    head: ComponentConfig | None = None


@dataclass(frozen=True)
class Open:
    kept: dict[str, Any] = field(default_factory=dict, metadata=collects("a", "b"))


LOCATIONS = {("Top",): "my.yml:1", ("Top", "Inner", "depth"): "my.yml:9"}
TOP = SourceLocation(("Top",), LOCATIONS)


def parsed(**values: Any) -> Outer:
    return parse(Outer, {"needed": 1, **values}, TOP)


def test_values_take_the_form_of_their_annotation() -> None:
    assert parsed(share="1e-2").share == 0.01
    assert parsed(size=3).size == 3
    assert parsed(size=[2, 1]).size == (2, 1)
    assert parsed(pairs=[[1, 2], [3, 4]]).pairs == ((1, 2), (3, 4))
    assert parsed(Inner={"depth": 4}).inner == Inner(4)
    assert parsed(head={"name": "X", "a": 1}).head == ComponentConfig("X", {"a": 1})


def test_null_is_none_where_a_field_may_be_none_and_else_left_out() -> None:
    assert parsed(limit=None).limit is None
    assert parsed(share=None).share == 0.5


def test_ignored_keys_are_accepted_and_gone() -> None:
    assert parsed(legacy=3) == parsed()
    assert parse(Open, {"a": 1}, TOP).kept == {"a": 1}


def test_what_is_written_is_read_back() -> None:
    config = parsed(share=0.25, size=(2, 1), Inner={"depth": 3}, head={"name": "X", "a": 1})
    assert parse(Outer, write(config), TOP) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shar": 1}, "my.yml:1: Top.shar: is not a known key. The nearest known name is share."),
        ({"Inner": {"depth": 0}}, "my.yml:9: Top.Inner.depth: is 0. Write 1 or more."),
        ({"Inner": {"dept": 1}}, "Top.Inner.dept: is not a known key. The nearest known name is d"),
        ({"mode": "slwo"}, "Top.mode: is 'slwo', which is not known. The nearest known name is sl"),
        ({"needed": True}, "Top.needed: is True. Write a whole number."),
        ({"shape": [1, 2, 3]}, "Top.shape: is [1, 2, 3]. Write [height, width]."),
        ({"pairs": [[1, 2], [3]]}, "Top.pairs.1: is [3]. Write a list of 2."),
        ({"size": "x"}, "Top.size: is 'x'. Write a list of 2."),
        ({"needed": None}, "Top.needed: is missing."),
        ({"head": {"nam": "X"}}, "Top.head: has no name."),
    ],
)
def test_what_is_refused_names_place_key_cause_and_fix(values: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(**values)
    assert message in str(caught.value)


def test_arguments_of_a_component_are_called_so() -> None:
    with pytest.raises(
        ConfigError, match=r"Top.x: is not an argument of Net. Known: depth, widths"
    ):
        parse(Inner, {"x": 1}, TOP, "Net", {"widths"})
    with pytest.raises(ConfigError, match=r"^my.yml:1: Top: Net needs needed. Write needed there"):
        parse(Outer, {}, TOP, "Net")
