"""What every command of `ocr` has: its form of help, repeated options, and commands loaded late.

A command is a function with click's decorators. Its docstring is the help; what follows `Examples:`
in it comes last, as it stands.
"""

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import click
from click.exceptions import NoSuchCommand
from click.shell_completion import CompletionItem

from ocr_lib.nearest import nearest

F = TypeVar("F", bound=Callable[..., Any])
EXAMPLES = "Examples:"


class Option(click.Option):
    """An option of a command.

    Attributes:
        heading: what it stands below in the help; empty for the other options.
        several: it takes all words up to the next option, as in `-o A=1 B=2`.
    """

    def __init__(
        self, *names: Any, heading: str = "", several: bool = False, **settings: Any
    ) -> None:
        settings["multiple"] = several or settings.get("multiple", False)
        super().__init__(*names, **settings)
        self.heading = heading
        self.several = several


class Command(click.Command):
    """A command whose help keeps its line breaks."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the command line; an option is never taken for the value of another one."""
        try:
            return super().parse_args(ctx, self._one_value_each(ctx, args))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click leaves it out of some
            raise

    def format_help_text(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Writes the docstring up to its examples."""
        if text := self._text()[0]:
            formatter.write(f"\n{text}\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options by their headings."""
        rows: dict[str, list[tuple[str, str]]] = {"": []}
        for param in self.get_params(ctx):
            record = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
            if record:
                rows.setdefault(getattr(param, "heading", ""), []).append(record)
        for heading, records in rows.items():
            if records:
                with formatter.section(heading or "Options"):
                    formatter.write_dl(records)

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Writes notes and examples, as they stand."""
        for text in (self.epilog, self._text()[1]):
            if text:
                formatter.write(f"\n{text}\n")

    def _text(self) -> tuple[str, str]:
        """Returns what the command does, and its examples."""
        text, heading, examples = inspect.cleandoc(self.help or "").partition(EXAMPLES)
        return text.strip(), (heading + examples).strip()

    def _one_value_each(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Writes `-o A B` as `-o A -o B`, which is what click reads.

        Raises:
            BadOptionUsage: an option's value is missing.
        """
        options = {
            name: option
            for option in self.get_params(ctx)
            if isinstance(option, click.Option)
            for name in (*option.opts, *option.secondary_opts)
        }
        words: list[str] = []
        repeated = ""  # the option whose further values may follow
        previous: click.Option | None = None  # the option whose value has to follow
        for position, word in enumerate(args):
            if word == "--":
                return [*words, *args[position:]]
            if previous:
                if word in options:
                    break
                previous = None
            elif word in options:
                option = options[word]
                takes_value = not (option.is_flag or option.count)
                previous = option if takes_value else None
                repeated = word if getattr(option, "several", False) else ""
            elif _is_option(word):
                repeated = ""
            elif repeated:
                words.append(repeated)
            words.append(word)
        if previous and not ctx.resilient_parsing:  # a shell completes what is not complete
            raise click.BadOptionUsage(words[-1], f"{words[-1]}: its value is missing", ctx)
        return words


class Group(Command, click.Group):
    """A command with subcommands, each of which is imported when it is asked for.

    Args:
        lazy: name → (`module:attribute`, one line of help), in the order of the list.
    """

    command_class = Command

    def __init__(
        self, *args: Any, lazy: Mapping[str, tuple[str, str]] | None = None, **settings: Any
    ) -> None:
        settings["no_args_is_help"] = False  # a missing command is one line, as other mistakes
        super().__init__(*args, **settings)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Returns the names of the subcommands, in the order in which they were added."""
        return [*self.lazy, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a subcommand; imports its module."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes options and subcommands."""
        Command.format_options(self, ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._line(name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Returns names that begin like this; imports none of the subcommands."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=self._line(name)) for name in names), *options]

    def _line(self, name: str) -> str:
        if name in self.lazy:
            return self.lazy[name][1]
        return self.commands[name].get_short_help_str(80)


def command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """Makes a command of a function, which may return its exit code."""
    return click.command(name, cls=Command, **settings)


def group(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Group]:
    """Makes a group of a function that does nothing itself; its docstring is the help."""
    return click.group(name, cls=Group, **settings)


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Adds an option."""
    return click.option(*names, cls=Option, **settings)


def as_one(
    name: str, make: Callable[..., Any], *decorators: Callable[[Any], Any]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds options that the command gets as one argument.

    Args:
        name: of the argument.
        make: makes it of the options' values; its own parameters say of which.
        decorators: add the options.
    """
    taken = inspect.signature(make).parameters

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(**values: Any) -> Any:
            arguments = {key: values.pop(key) for key in taken}
            return function(**values, **{name: make(**arguments)})

        for decorator in reversed(decorators):
            call = decorator(call)
        return call

    return decorate


def usage_message(error: click.UsageError) -> str:
    """Says which command and argument is wrong, why, and what to do."""
    path = error.ctx.command_path if error.ctx else "ocr"
    name, cause = "", error.message
    if isinstance(error, click.NoSuchOption) and error.ctx:
        params = error.ctx.command.get_params(error.ctx)
        name = error.option_name
        cause = _no_such("option", name, [option for param in params for option in param.opts])
    elif isinstance(error, NoSuchCommand) and error.ctx:
        name = error.command_name
        cause = _no_such("command", name, cast(Group, error.ctx.command).list_commands(error.ctx))
    elif isinstance(error, click.BadParameter) and error.param:
        name = argument_name(error.param)
        cause = "is missing" if isinstance(error, click.MissingParameter) else error.message
    return f"{path}: {name + ': ' if name else ''}{cause.rstrip('.')}. See `{path} --help`."


def argument_name(param: click.Parameter) -> str:
    """Returns the longest name of an option, or an argument's as the help shows it."""
    if isinstance(param, click.Argument):
        return param.human_readable_name
    return max(param.opts, key=len)


def _no_such(what: str, name: str, known: list[str]) -> str:
    near = nearest(name, known, otherwise="")
    return f"no such {what}" + (f". {near}" if near else "")


def _is_option(word: str) -> bool:
    """Tells an option from a value; numbers below zero are values."""
    if not word.startswith("-") or word == "-":
        return False
    try:
        float(word)
    except ValueError:
        return True
    return False
