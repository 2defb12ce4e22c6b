"""Arguments that several subcommands of `ocr pipeline` share."""

import argparse
from typing import TYPE_CHECKING

from pipelines.cli.cluster.namespaces import namespace
from pipelines.cli.model.arguments import input_file, output_file, real_number, text
from pipelines.compile import OUT, add_build_options, compile_as_asked, given

if TYPE_CHECKING:
    from pipelines.kfp_api.package import Package

EXPERIMENT = "ocr"


def add_package(parser: argparse.ArgumentParser) -> None:
    """Adds the package to work with."""
    parser.add_argument(
        "--package",
        type=output_file,  # it may be compiled first
        default=OUT,
        help="the compiled package (default: %(default)s)",
    )
    add_build_options(
        parser.add_argument_group(
            "compile first", "With any of these the package is compiled before it is used."
        )
    )


def get_package(args: argparse.Namespace) -> "Package":
    """Returns the package to work with, compiled first where the command line says for what.

    Raises:
        ConfigError: there is none, or an option's value is not acceptable.
    """
    from pipelines.kfp_api.package import read_package

    if given(args):
        compile_as_asked(args.package, args)
    return read_package(args.package)


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Adds what a run is given and under which name it is kept."""
    parser.add_argument(
        "--params", type=input_file, metavar="FILE", help="YAML, a parameter a line"
    )
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one parameter, the value in YAML; wins over the file; may be repeated",
    )
    parser.add_argument(
        "--experiment",
        type=text,
        default=EXPERIMENT,
        help="groups runs in the UI (default: %(default)s)",
    )
    parser.add_argument(
        "--service-account",
        type=namespace,
        metavar="NAME",
        help="of the steps' pods (default: the installation's own)",
    )


minutes = real_number(0.0001, 60 * 24 * 365)
