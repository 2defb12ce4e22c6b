"""`ocr pipeline run`: a run of the package, followed to its end."""

import argparse
from datetime import datetime, timedelta
from typing import Any

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import text
from pipelines.cli.pipeline.arguments import (
    add_package,
    add_parameters,
    get_package,
    minutes,
)
from pipelines.kfp_api.connection import add_connection, connected

DESCRIPTION = """\
Check the parameters against the package, upload the package unless the server
has it, start a run and follow it. Exit code: 0 the run succeeded, 1 it failed
or was cancelled, 2 bad input, 3 it still ran at the deadline (and goes on).
A refused candidate is a result, not a failure: exit code 0, and the output says
`refused`, passed=false and which checks of the gate failed."""
EXAMPLES = """\
  ocr pipeline run --params run.yaml
  ocr pipeline run --param train_minutes=30 --param model_name=receipts
  ocr pipeline run --params run.yaml --detach"""
DEADLINE_MIN = 24 * 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `ocr pipeline run`."""
    add_package(parser)
    add_parameters(parser)
    parser.add_argument(
        "--name", type=text, help="of the run (default: the pipeline's with the time)"
    )
    parser.add_argument("--detach", action="store_true", help="start it and return")
    parser.add_argument(
        "--deadline",
        type=minutes,
        default=DEADLINE_MIN,
        metavar="MINUTES",
        help="how long to follow it (default: a day)",
    )
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    """Starts a run and follows it; Ctrl-C stops following, the run goes on."""
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.follow import follow
    from pipelines.kfp_api.package import commit_of
    from pipelines.kfp_api.parameters import read_parameters
    from pipelines.kfp_api.upload import upload

    package = get_package(args)
    parameters = read_parameters(args.params, args.param, package.parameters)
    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        version = upload(kubeflow, package, commit_of())
        started = runs.start(
            kubeflow,
            version,
            parameters,
            name=args.name or f"{package.name} {datetime.now():%Y-%m-%d %H:%M:%S}",
            experiment=args.experiment,
            service_account=args.service_account or "",
        )
        echo(f"run        {started.run_id}\nversion    {version.name}")
        page = report.see(kubeflow, f"runs/details/{started.run_id}")
        echo("\n".join(page), flush=True)
        if args.detach:
            return 0
        deadline = timedelta(minutes=args.deadline)
        return finish(kubeflow, follow(kubeflow, started.run_id, deadline=deadline))


def finish(kubeflow: Any, view: Any) -> int:
    """Prints how a run that was followed stands, and returns the exit code for it."""
    from pipelines.cli.pipeline.object_store import store_opener
    from pipelines.kfp_api.logs import remarks
    from pipelines.kfp_api.report import outcome
    from pipelines.kfp_api.runs import exit_code

    echo("\n".join(outcome(view, remarks(kubeflow, view, store_opener()))))
    return exit_code(view.state)
