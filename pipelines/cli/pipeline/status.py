"""`ocr pipeline status`: the last runs, or one run step by step."""

import argparse

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import text, whole_number
from pipelines.kfp_api.connection import add_connection, connected

DESCRIPTION = """\
Show the last runs, or the steps of one: title, state, time, and for steps in
a loop how many rounds are done. `cached` is a step whose result was there."""
EXAMPLES = """\
  ocr pipeline status
  ocr pipeline status 6f9c0c1e-… --follow"""
DAY_MIN = 24 * 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline status`."""
    parser.add_argument("run_id", nargs="?", type=text, metavar="RUN", help="a run's id")
    parser.add_argument(
        "--count",
        type=whole_number(1, 10_000),
        default=10,
        help="runs listed (default: %(default)s)",
    )
    parser.add_argument("--follow", action="store_true", help="until it ends, as `run` does")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    """Prints runs or steps; with --follow the exit code is that of `ocr pipeline run`."""
    from datetime import timedelta

    from pipelines.cli.pipeline.run import finish
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.steps import steps_of

    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        if not args.run_id:
            rows = [report.row(item) for item in runs.latest(kubeflow, max(1, args.count))]
            echo("\n".join(rows or ["no runs yet"]))
            return 0
        link = kubeflow.link(f"runs/details/{args.run_id}")
        if args.follow:
            deadline = timedelta(minutes=DAY_MIN)
            return finish(runs.follow(kubeflow, args.run_id, deadline=deadline), link)
        found = runs.get(kubeflow, args.run_id)
        steps = steps_of(found, runs.titles(kubeflow, found))
        lines = [found.display_name or found.run_id, *report.table(steps)]
        echo("\n".join([*lines, *report.outcome(found, link)]))
        return 0
