"""The options -c and -o, the same for every command that reads a configuration."""

import argparse

from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Adds `-c FILE` and the repeatable `-o Key.sub=value`."""
    parser.add_argument(
        "-c",
        "--config",
        required=True,
        metavar="FILE",
        help="a configuration file, or the name of a shipped one (see `ocr config list`)",
    )
    parser.add_argument(
        "-o",
        "--opt",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="set one value, e.g. -o Global.epoch_num=10; may be repeated, the last one counts",
    )


def read_config(args: argparse.Namespace) -> Config:
    """Returns the configuration that the parsed options name.

    Raises:
        ConfigError: it cannot be read, or a key or value is not accepted.
    """
    return load_config(args.config, args.opt)
