"""The gate's thresholds as command-line options, one each."""

import argparse
from dataclasses import fields

from ocr_lib.errors import ConfigError
from ocr_lib.gate import PROOFS, Thresholds


def add_threshold_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--min-accuracy` and the like, with their defaults."""
    group = parser.add_argument_group("thresholds")
    for field in fields(Thresholds):
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type(field.default),
            default=field.default,
            metavar=None if field.name == "proof" else "X",
            choices=PROOFS if field.name == "proof" else None,
            help=f"default: {field.default}",
        )


def read_thresholds(args: argparse.Namespace) -> Thresholds:
    """Returns what the user asked for.

    Raises:
        ConfigError: a value is out of its bounds.
    """
    try:
        return Thresholds.from_dict({f.name: getattr(args, f.name) for f in fields(Thresholds)})
    except ConfigError as error:
        option = f"--{error.where.rpartition('.')[2].replace('_', '-')}"
        raise ConfigError(option, error.cause, error.fix) from None
