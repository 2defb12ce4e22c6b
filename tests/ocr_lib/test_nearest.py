"""The known name that a misspelt one is nearest to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.nearest import FEW, nearest

MANY = [f"name_{i:03}" for i in range(FEW + 1)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sead", "The nearest known name is seed"),
        ("SEED", "The nearest known name is seed"),
        ("adam", "The nearest known name is Adam"),
        ("zzz", "Known: Adam, seed"),
    ],
)
def test_the_nearest_or_all_of_a_few(name: str, said: str) -> None:
    assert nearest(name, ["seed", "Adam"]) == said


def test_of_many_that_are_not_near_the_place_of_the_list_is_named() -> None:
    assert nearest("zzz", MANY) == "See docs/configuration.md"
    assert nearest("zzz", MANY, "Run `ocr config list`") == "Run `ocr config list`"


def test_where_nothing_is_known_it_can_only_go() -> None:
    assert nearest("zzz", []) == "Leave it out"


@given(st.text(), st.lists(st.text()))
def test_any_text_has_a_next_step(name: str, known: list[str]) -> None:
    assert nearest(name, known)


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_known_name_is_nearest_to_itself(known: list[str]) -> None:
    assert nearest(known[0], known).casefold().endswith(known[0].casefold())
