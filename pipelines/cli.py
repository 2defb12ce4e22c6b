"""The `ocr` command: one subcommand a step, each in a module that is imported only when asked for.

A command module has `DESCRIPTION`, `EXAMPLES`, `add_arguments(parser)` and `run(args) -> int`.
"""

import argparse
import errno
import importlib
import sys
import warnings
from collections.abc import Sequence

from ocr_lib import __version__
from ocr_lib.errors import OcrError
from pipelines.subcommands import add_subcommand

# name → (module, one line of help), in the order in which the data travels
COMMANDS: dict[str, tuple[str, str]] = {
    "synth": ("ocr_lib.cli.synth", "draw a synthetic data set of text lines"),
    "gen-label": ("ocr_lib.cli.gen_label", "labels of a data set -> label list and report"),
    "dictionary": ("ocr_lib.cli.dictionary", "list, show or build character dictionaries"),
    "pack-lmdb": ("ocr_lib.cli.pack_lmdb", "pack a label list and its images into LMDB shards"),
    "fsck": ("ocr_lib.cli.fsck", "check a packed data set, byte for byte"),
    "config": ("ocr_lib.cli.config", "list, show or check configurations"),
    "preflight": ("ocr_lib.cli.preflight", "check data and configuration before training"),
    "import": ("ocr_lib.cli.import_model", "turn an exported recogniser into weights to train on"),
    "train": ("ocr_lib.cli.train", "train a network, or go on training it"),
    "eval": ("ocr_lib.cli.eval", "measure a trained network on the Eval data"),
    "infer": ("ocr_lib.cli.infer", "read images with a trained network"),
    "gate": ("ocr_lib.cli.gate", "decide whether a candidate may replace the champion"),
    "gate-rates": ("ocr_lib.cli.gate_rates", "simulate how often the gate would err"),
    "export": ("ocr_lib.cli.export", "export a trained network as a certified bundle"),
    "predict": ("ocr_lib.cli.predict", "read images with an exported bundle"),
    "deploy": ("components.cli.deploy", "put an exported bundle into service on Triton"),
    "rollback": ("components.cli.rollback", "put an earlier version back into service"),
    "models": ("components.cli.models", "list the versions of a served model"),
    "feedback": ("components.cli.feedback", "lines the served model was unsure of -> training"),
    "serve": ("components.cli.serve", "run one replica of the server, kept at production"),
    "query": ("components.cli.query", "read images with a served model"),
    "reap": ("components.cli.reap", "end training jobs that nobody waits for any more"),
    "store": ("components.cli.store", "make an object store ready: bucket, keys, rights"),
    "pipeline": ("pipelines.remote.command", "compile, upload, run and schedule it on Kubeflow"),
    "demo": ("pipelines.demo.command", "run the whole pipeline on this machine"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 for bad input, 1 for any other failure."""
    warnings.filterwarnings("ignore", message="When training, we now always track")  # paddle's
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(argv[0] if argv else None)
    args = parser.parse_args(argv)
    module = importlib.import_module(COMMANDS[args.command][0])
    try:
        return int(module.run(args))
    except OcrError as error:
        sys.stderr.write(f"ocr {args.command}: {error}\n")
        return error.exit_code
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # the reader went away: `ocr … | head`
            sys.stderr.close()
            return 0
        sys.stderr.write(f"ocr {args.command}: {_describe(error)}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _describe(error: OSError) -> str:
    """Says which file a failure of the system is about, and what to do where that is known."""
    place = error.filename or "file system"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place}: the disk is full. Free some room and run the same command again."
    return f"{place}: {error.strerror or error}."


def _parser(asked: str | None) -> argparse.ArgumentParser:
    """Builds the parser; only the command asked for is imported and gets its arguments."""
    parser = argparse.ArgumentParser(
        prog="ocr", description="Text recognition from labelled lines to a served model."
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
