"""`ocr pipeline cancel`: ends a run."""

import argparse
from datetime import timedelta

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import text
from pipelines.cli.pipeline.arguments import minutes
from pipelines.kfp_api.connection import add_connection, connected

DESCRIPTION = """\
End a run and wait until it has ended. What it trained so far stays in the object
store, and its clean-up step still runs and deletes the training job. Exit code:
0 it has ended and clean-up succeeded, 1 it has ended and clean-up did not
succeed, 2 bad input, 3 it has not ended at the deadline (why is printed)."""
EXAMPLES = """\
  ocr pipeline cancel 6f9c0c1e-…
  ocr pipeline cancel 6f9c0c1e-… --detach"""
DEADLINE_MIN = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline cancel`."""
    parser.add_argument("run_id", type=text, metavar="RUN", help="a run's id")
    parser.add_argument("--detach", action="store_true", help="ask for the end and return")
    parser.add_argument(
        "--deadline",
        type=minutes,
        default=DEADLINE_MIN,
        metavar="MINUTES",
        help="how long to wait for the end (default: %(default)g)",
    )
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    """Ends a run, and says what became of it; one that has ended is left as it is."""
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.follow import follow
    from pipelines.kfp_api.steps import FINAL

    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        found = runs.get(kubeflow, args.run_id)
        if found.state in FINAL:
            echo(f"It has ended already: {found.state.lower()}.")
            return 0
        runs.terminate(kubeflow, args.run_id)
        echo("\n".join(report.cancelling(args.run_id)), flush=True)
        if args.detach:
            return 0
        view = follow(kubeflow, args.run_id, deadline=timedelta(minutes=args.deadline))
    echo("\n".join(report.cancelled(view, args.deadline)))
    if not view.ended:
        return runs.EXIT_STILL_RUNNING
    return runs.EXIT_SUCCEEDED if report.cleaned_up(view) else runs.EXIT_FAILED
