"""`ocr pipeline logs`: what a step of a run wrote."""

import argparse

from ocr_lib.errors import ConfigError
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import count, text
from pipelines.kfp_api.connection import add_connection, connected

DESCRIPTION = """\
Show the end of a step's log: of the pod while it is there, later of Argo's
archive through Kubeflow, or of the object store where OCR_S3_ENDPOINT and the
keys of the store are set. Without STEP: of the step that failed, else of the
last that began. Control characters are written out."""
EXAMPLES = """\
  ocr pipeline logs 6f9c0c1e-…
  ocr pipeline logs 6f9c0c1e-… train --lines 1000
  ocr pipeline logs 6f9c0c1e-… pack-lmdb --round 2"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline logs`."""
    parser.add_argument("run_id", type=text, metavar="RUN", help="a run's id")
    parser.add_argument(
        "step", nargs="?", type=text, metavar="STEP", help="name or title of a step"
    )
    parser.add_argument(
        "--lines", type=count, default=200, help="show the last ones (default: %(default)s)"
    )
    parser.add_argument(
        "--round", type=count, default=0, metavar="N", help="of a step in a loop, from 1"
    )
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the log to standard output, and where it comes from to standard error."""
    from pipelines.cli.pipeline.object_store import store_opener
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.logs import read_log
    from pipelines.kfp_api.view import look

    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        view = look(kubeflow, args.run_id)
        begun = [step for step in view.steps if step.rounds]
        step = view.step(args.step) if args.step else view.failed or (begun[-1] if begun else None)
        if step is None:
            names = ", ".join(step.task.name for step in view.steps) or "none has begun yet"
            raise ConfigError(args.step or args.run_id, "no such step", f"Steps: {names}")
        log = read_log(kubeflow, view, step, args.round, store_opener())
    shown = log.last(args.lines)
    note = f", the last {len(shown.lines):,} lines" if shown.cut else ""
    echo(f"{step.task.title}: {log.source}{note}", err=True)
    echo("\n".join(shown.lines))
    return 0
