"""The `ocr` command: one subcommand a step, each in a module that is imported only when asked for.

A command module has `DESCRIPTION`, `EXAMPLES`, `add_arguments(parser)` and `run(args) -> int`.
"""

import argparse
import errno
import importlib
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from ocr_lib import __version__
from ocr_lib.errors import OcrError
from ocr_lib.settings import Settings
from ocr_lib.terminal import echo, printable
from pipelines.cli.subcommand import CommandParser, add_subcommand

DEBUG = "OCR_DEBUG"
PACKAGES = ("ocr_lib", "components", "pipelines")

# name → (module, one line of help), in the order in which the data travels
COMMANDS: dict[str, tuple[str, str]] = {
    "synth": ("pipelines.cli.data.synth", "draw a synthetic data set of text lines"),
    "gen-label": ("pipelines.cli.data.gen_label", "labels of a data set -> label list and report"),
    "dictionary": ("pipelines.cli.data.dictionary", "list, show or build character dictionaries"),
    "pack-lmdb": (
        "pipelines.cli.data.pack_lmdb",
        "pack a label list and its images into LMDB shards",
    ),
    "fsck": ("pipelines.cli.data.fsck", "check a packed data set, byte for byte"),
    "config": ("pipelines.cli.training.config", "list, show or check configurations"),
    "preflight": ("pipelines.cli.data.preflight", "check data and configuration before training"),
    "import": (
        "pipelines.cli.training.import_model",
        "turn an exported recogniser into weights to train on",
    ),
    "train": ("pipelines.cli.training.train", "train a network, or go on training it"),
    "eval": ("pipelines.cli.model.eval", "measure a trained network on the Eval data"),
    "infer": ("pipelines.cli.model.infer", "read images with a trained network"),
    "gate": ("pipelines.cli.model.gate", "decide whether a candidate may replace the champion"),
    "gate-rates": ("pipelines.cli.model.gate_rates", "simulate how often the gate would err"),
    "export": ("pipelines.cli.model.export", "export a trained network as a certified bundle"),
    "predict": ("pipelines.cli.model.predict", "read images with an exported bundle"),
    "deploy": ("pipelines.cli.serving.deploy", "put an exported bundle into service on Triton"),
    "rollback": ("pipelines.cli.serving.rollback", "put an earlier version back into service"),
    "models": ("pipelines.cli.serving.models", "list the versions of a served model"),
    "feedback": (
        "pipelines.cli.serving.feedback",
        "lines the served model was unsure of -> training",
    ),
    "serve": ("pipelines.cli.serving.serve", "run one replica of the server, kept at production"),
    "query": ("pipelines.cli.serving.query", "read images with a served model"),
    "reap": ("pipelines.cli.cluster.reap", "end training jobs that no run waits for any more"),
    "store": ("pipelines.cli.cluster.store", "make an object store ready: bucket, keys, rights"),
    "pipeline": (
        "pipelines.cli.pipeline.group",
        "compile, upload, run and schedule it on Kubeflow",
    ),
    "demo": ("pipelines.cli.demo", "run the whole pipeline on this machine"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 for bad input, 1 for any other failure."""
    warnings.filterwarnings("ignore", message="When training, we now always track")  # paddle's
    argv = list(sys.argv[1:] if argv is None else argv)
    name = next((word for word in argv if not word.startswith("-")), None)
    debug = "--debug" in argv[: argv.index(name) if name else None]
    try:
        debug = debug or bool(Settings.from_env().debug)
        args = _parser(name).parse_args(argv)
        module = importlib.import_module(COMMANDS[args.command][0])
        return int(module.run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader went away: `ocr … | head`
        sys.stderr.close()
        return 0
    except Exception as error:
        if debug:
            traceback.print_exc()
        echo(f"ocr {name}: {_describe(error)}", err=True)
        return error.exit_code if isinstance(error, OcrError) else 1


def _describe(error: Exception) -> str:
    """Says what failed and what to do about it, where that is known."""
    if isinstance(error, OcrError):
        return str(error)
    if isinstance(error, OSError):
        return printable(_describe_system(error))
    if isinstance(error, MemoryError):
        return "the memory is full. Free some, or use smaller batches."
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(PACKAGES):
        return f"needs the package {error.name}, which is not installed. Run `make setup`."
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    what = printable(f"{type(error).__name__}: {error}")
    return (
        f"internal error: {what} ({where}). Please report it, with what "
        f"`{DEBUG}=1` before the same command prints."
    )


def _describe_system(error: OSError) -> str:
    """Says which file a failure of the system is about, and what to do where that is known."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place}the disk is full. Free some room and run the same command again."
    return f"{place}{error.strerror or error}."


def _parser(asked: str | None) -> argparse.ArgumentParser:
    """Builds the parser; only the command asked for is imported and gets its arguments."""
    parser = CommandParser(
        prog="ocr", description="Text recognition from labelled lines to a served model."
    )
    parser.add_argument(
        "--debug", action="store_true", help=f"print the traceback of an error, as {DEBUG}=1 does"
    )
    parser.add_argument("--version", action="version", version=f"ocr {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module_name, line) in COMMANDS.items():
        if name != asked:
            commands.add_parser(name, help=line)
            continue
        add_subcommand(commands, name, module_name, line)
    return parser


if __name__ == "__main__":
    sys.exit(main())
