"""`ocr pipeline status`: the last runs, or one run step by step."""

import argparse

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import text, whole_number
from pipelines.kfp_api.connection import add_connection, connected

DESCRIPTION = """\
Show the last runs, or the steps of one: title, state, time, for steps in a loop
how many rounds are done, and why a step waits or failed. `cached`: its result
was there already. `skipped`: a condition left it out, as the deployment of a
refused candidate. `not run`: the run ended before it. `pending`: its pod has
not started. A run whose candidate was refused says so."""
EXAMPLES = """\
  ocr pipeline status
  ocr pipeline status 6f9c0c1e-… --follow"""


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

    from pipelines.cli.pipeline.object_store import store_opener
    from pipelines.cli.pipeline.run import finish
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.follow import follow
    from pipelines.kfp_api.logs import remarks
    from pipelines.kfp_api.view import look

    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        if not args.run_id:
            rows = [report.row(item) for item in runs.latest(kubeflow, args.count)]
            echo("\n".join(rows or ["no runs yet"]))
            return 0
        if args.follow:
            return finish(kubeflow, follow(kubeflow, args.run_id, deadline=timedelta(days=1)))
        view = look(kubeflow, args.run_id)
        lines = [report.heading(view), *report.table(view.steps)]
        lines += report.outcome(view, remarks(kubeflow, view, store_opener()))
        lines += report.see(kubeflow, f"runs/details/{args.run_id}")
        echo("\n".join(lines))
        return 0
