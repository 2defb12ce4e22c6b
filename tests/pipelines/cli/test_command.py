"""How a command line is read: options with several values, numbers below zero, what is missing."""

from dataclasses import dataclass

import click
import pytest

from pipelines.cli.command import as_one, command, group, option, usage_message
from pipelines.cli.options import real_number

Values = tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Two options of one subject."""

    left: str
    right: int


@command("try")
@click.argument("files", nargs=-1)
@option("-n", "--numbers", type=real_number(-9, 9), several=True, default=[1.0])
@option("--word", default="w", heading="Words")
@option("--flag", is_flag=True)
@as_one("pair", Pair, option("--left", default="l"), option("--right", type=int, default=2))
def attempt(
    files: tuple[str, ...], numbers: Values, word: str, flag: bool, pair: Pair
) -> tuple[tuple[str, ...], Values, str, bool, Pair]:
    """Try it.

    A second paragraph
      keeps its form.

    Examples:
      try a b -n 1 2
    """
    return files, numbers, word, flag, pair


def parsed(*words: str) -> tuple[tuple[str, ...], Values, str, bool, Pair]:
    with attempt.make_context("try", list(words)) as context:
        return attempt.invoke(context)  # type: ignore[no-any-return]


def message(*words: str) -> str:
    with pytest.raises(click.UsageError) as error:
        parsed(*words)
    return usage_message(error.value)


@pytest.mark.parametrize(
    ("words", "files", "numbers"),
    [
        ((), (), (1.0,)),
        (("-n", "2"), (), (2.0,)),
        (("a", "-n", "1", "-2.5", ".5"), ("a",), (1.0, -2.5, 0.5)),
        (("-n", "1", "--numbers", "2", "3"), (), (1.0, 2.0, 3.0)),
        (("-n", "1", "-1e-3", "--word", "x", "b"), ("b",), (1.0, -0.001)),
        (("-n", "1", "--flag", "c"), ("c",), (1.0,)),
        (("--numbers=1", "a"), ("a",), (1.0,)),
        (("-n", "1", "--", "2", "-n"), ("2", "-n"), (1.0,)),
        (("a", "-"), ("a", "-"), (1.0,)),
    ],
)
def test_an_option_takes_all_values_up_to_the_next_option(
    words: tuple[str, ...], files: tuple[str, ...], numbers: Values
) -> None:
    assert parsed(*words)[:2] == (files, numbers)


def test_options_of_one_subject_arrive_as_one() -> None:
    assert parsed()[-1] == Pair("l", 2)
    assert parsed("--right", "3", "--left", "x")[-1] == Pair("x", 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--word",), "try: --word: its value is missing. See `try --help`."),
        (("--word", "--flag"), "try: --word: its value is missing. See `try --help`."),
        (("--word", "-n", "1"), "try: --word: its value is missing. See `try --help`."),
        (("-n", "10"), "try: --numbers: '10' is not a number from -9 to 9. See `try --help`."),
        (
            ("--wrod", "x"),
            "try: --wrod: no such option. The nearest known name is --word. See `try --help`.",
        ),
        (("--right", "x"), "try: --right: 'x' is not a valid integer. See `try --help`."),
        (("--flag=1",), "try: Option '--flag' does not take a value. See `try --help`."),
    ],
)
def test_a_mistake_names_the_option_and_the_next_step(words: tuple[str, ...], said: str) -> None:
    assert message(*words) == said


def test_a_value_that_looks_like_an_option_can_be_given() -> None:
    assert parsed("--word=--flag")[2:4] == ("--flag", False)
    assert parsed("--word", "-x")[2] == "-x"  # no option of this command


def test_help_has_options_by_heading_and_the_text_as_it_is_written() -> None:
    text = attempt.get_help(click.Context(attempt, info_name="try"))
    assert "Try it.\n\nA second paragraph\n  keeps its form.\n" in text
    assert text.index("Options:") < text.index("--flag") < text.index("Words:")
    assert text.index("Words:") < text.index("--word")
    assert text.endswith("Examples:\n  try a b -n 1 2")


def test_a_group_lists_its_commands_and_names_the_nearest_one() -> None:
    @group("noun")
    def noun() -> None:
        """Do something with nouns."""

    @noun.command("shown", short_help="show one")
    def shown() -> None:
        """Show one of them."""

    context = click.Context(noun, info_name="noun")
    assert "shown  show one" in noun.get_help(context)
    with pytest.raises(click.UsageError) as error:
        noun.invoke(noun.make_context("noun", ["show"]))
    assert usage_message(error.value) == (
        "noun: show: no such command. The nearest known name is shown. See `noun --help`."
    )
    with pytest.raises(click.UsageError) as error:
        noun.invoke(noun.make_context("noun", []))
    assert usage_message(error.value) == "noun: Missing command. See `noun --help`."
