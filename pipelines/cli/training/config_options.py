"""The options -c, -o and --allow-part, the same for every command that reads a configuration."""

import argparse

from ocr_lib.config.custom_parts import FORM, OPTION, VARIABLE, AllowedParts, allowed_parts
from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config
from pipelines.cli.model.arguments import name_or_file


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Adds `-c FILE` and the repeatable `-o Key.sub=value` and `--allow-part`."""
    parser.add_argument(
        "-c",
        "--config",
        required=True,
        type=name_or_file,
        metavar="FILE",
        help="a configuration file, or the name of a shipped one (see `ocr config list`)",
    )
    add_overrides(parser)
    add_allow_part(parser)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Adds the repeatable `-o Key.sub=value`."""
    parser.add_argument(
        "-o",
        "--opt",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="set one value, e.g. -o Global.epoch_num=10; may be repeated, the last one counts",
    )


def add_allow_part(parser: argparse.ArgumentParser) -> None:
    """Adds the repeatable `--allow-part package.module:Class`."""
    parser.add_argument(
        OPTION,
        action="append",
        default=[],
        metavar=FORM.upper(),
        help="let the configuration import this network part or augmentation of your own, which "
        f"runs its code; may be repeated ({VARIABLE} holds more, separated by commas)",
    )


def read_allowed_parts(args: argparse.Namespace) -> AllowedParts:
    """Returns custom parts that the options and the environment allow.

    Raises:
        ConfigError: an entry is not the exact name of a class.
    """
    return allowed_parts(args.allow_part)


def read_config(args: argparse.Namespace) -> Config:
    """Returns the configuration that the parsed options name.

    Raises:
        ConfigError: it cannot be read, or a key or value is not accepted.
    """
    return load_config(args.config, args.opt, read_allowed_parts(args))
