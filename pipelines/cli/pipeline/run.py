"""`ocr pipeline run`, `status` and `cancel`: runs of the package, from their start to their end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import text, whole_number
from pipelines.cli.pipeline.options import (
    AUTH_HELP,
    ConnectionChoice,
    PackageChoice,
    RunChoice,
    minutes,
    store_opener,
    with_connection,
    with_package,
    with_parameters,
)

if TYPE_CHECKING:
    from pipelines.kfp_api.package import Package

DAY_MIN = 24 * 60.0
with_detach = option("--detach", is_flag=True, help="start it and return")
with_deadline = option(
    "--deadline",
    type=minutes,
    default=DAY_MIN,
    show_default="a day",
    metavar="MINUTES",
    help="how long to follow it",
)


@command("run", epilog=AUTH_HELP)
@with_package
@with_parameters
@option("--name", type=text, help="of the run (default: the pipeline's with the time)")
@with_detach
@with_deadline
@with_connection
def run(
    package: PackageChoice,
    choice: RunChoice,
    name: str | None,
    detach: bool,
    deadline: float,
    connection: ConnectionChoice,
) -> int:
    """Upload the package unless the server has it, start a run and follow it.

    The parameters are checked against the package first. Exit code: 0 the run succeeded, 1 it
    failed or was cancelled, 2 bad input, 3 it still ran at the deadline (and goes on). A refused
    candidate is a result, not a failure: exit code 0, and the output says `refused`, passed=false
    and which checks of the gate failed. Ctrl-C stops following, the run goes on.

    Examples:
      ocr pipeline run --params run.yaml
      ocr pipeline run --param train_minutes=30 --param model_name=receipts
      ocr pipeline run --params run.yaml --detach
    """
    compiled = package.read()
    parameters = choice.parameters(compiled)
    return start_run(
        connection,
        compiled,
        parameters,
        name=name or f"{compiled.name} {datetime.now():%Y-%m-%d %H:%M:%S}",
        experiment=choice.experiment,
        service_account=choice.service_account,
        deadline=None if detach else timedelta(minutes=deadline),
    )


def start_run(
    connection: ConnectionChoice,
    compiled: "Package",
    values: Mapping[str, Any],
    *,
    name: str,
    experiment: str,
    service_account: str | None,
    deadline: timedelta | None,
) -> int:
    """Uploads a package unless the server has it, starts a run, and follows it to its end.

    Args:
        connection: to the server.
        compiled: the package.
        values: the run's parameters.
        name: the run's.
        experiment: the run's.
        service_account: of the steps' pods; None for the server's.
        deadline: of following; None returns once the run is started.

    Returns:
        The exit code.
    """
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.follow import follow
    from pipelines.kfp_api.package import commit_of
    from pipelines.kfp_api.upload import upload

    with connection.open() as kubeflow:
        version = upload(kubeflow, compiled, commit_of())
        started = runs.start(
            kubeflow,
            version,
            values,
            name=name,
            experiment=experiment,
            service_account=service_account or "",
        )
        echo(f"run        {started.run_id}\nversion    {version.name}")
        page = report.see(kubeflow, f"runs/details/{started.run_id}")
        echo("\n".join(page), flush=True)
        if deadline is None:
            return 0
        return finish(kubeflow, follow(kubeflow, started.run_id, deadline=deadline))


@command("status", epilog=AUTH_HELP)
@click.argument("run_id", type=text, required=False, metavar="RUN", help="a run's id")
@option("--count", type=whole_number(1, 10_000), default=10, help="runs listed")
@option("--follow", "follow_it", is_flag=True, help="until it ends, as `run` does")
@with_connection
def status(run_id: str | None, count: int, follow_it: bool, connection: ConnectionChoice) -> int:
    """Show the last runs, or the steps of one.

    Of each step: title, state, time, for steps in a loop how many rounds are done, and why it waits
    or failed. `cached`: its result was there already. `skipped`: a condition left it out, as the
    deployment of a refused candidate. `not run`: the run ended before it. `pending`: its pod has
    not started. A run whose candidate was refused says so. While it trains, epoch, step and ETA are
    read from its heartbeat, where OCR_S3_ENDPOINT and the store's keys are set. With --follow the
    exit code is that of `ocr pipeline run`.

    Examples:
      ocr pipeline status
      ocr pipeline status 6f9c0c1e-… --follow
    """
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.follow import follow
    from pipelines.kfp_api.logs import remarks
    from pipelines.kfp_api.view import look

    with connection.open() as kubeflow:
        if not run_id:
            rows = [report.row(item) for item in runs.latest(kubeflow, count)]
            echo("\n".join(rows or ["no runs yet"]))
            return 0
        if follow_it:
            return finish(kubeflow, follow(kubeflow, run_id, deadline=timedelta(days=1)))
        view = look(kubeflow, run_id)
        lines = [report.heading(view), *report.table(view.steps)]
        lines += report.training(view, store_opener())
        lines += report.outcome(view, remarks(kubeflow, view, store_opener()))
        lines += report.see(kubeflow, f"runs/details/{run_id}")
        echo("\n".join(lines))
        return 0


@command("cancel", epilog=AUTH_HELP)
@click.argument("run_id", type=text, metavar="RUN", help="a run's id")
@option("--detach", is_flag=True, help="ask for the end and return")
@option(
    "--deadline", type=minutes, default=5.0, metavar="MINUTES", help="how long to wait for the end"
)
@with_connection
def cancel(run_id: str, detach: bool, deadline: float, connection: ConnectionChoice) -> int:
    """End a run and wait until it has ended.

    What it trained so far stays in the object store, and its clean-up step still runs and deletes
    the training job. A run that has ended is left as it is. Exit code: 0 it has ended and clean-up
    succeeded, 1 it has ended and clean-up did not succeed, 2 bad input, 3 it has not ended at the
    deadline (why is printed).

    Examples:
      ocr pipeline cancel 6f9c0c1e-…
      ocr pipeline cancel 6f9c0c1e-… --detach
    """
    from pipelines.kfp_api import report, runs
    from pipelines.kfp_api.follow import follow
    from pipelines.kfp_api.steps import FINAL

    with connection.open() as kubeflow:
        state = runs.get(kubeflow, run_id).state
        if state in FINAL:
            echo(f"It has ended already: {state.lower()}.")
            return 0
        runs.terminate(kubeflow, run_id)
        echo("\n".join(report.cancelling(run_id)), flush=True)
        if detach:
            return 0
        view = follow(kubeflow, run_id, deadline=timedelta(minutes=deadline))
    echo("\n".join(report.cancelled(view, deadline)))
    if not view.ended:
        return runs.EXIT_STILL_RUNNING
    return runs.EXIT_SUCCEEDED if report.cleaned_up(view) else runs.EXIT_FAILED


def finish(kubeflow: Any, view: Any) -> int:
    """Prints how a run that was followed stands, and returns the exit code for it."""
    from pipelines.kfp_api.logs import remarks
    from pipelines.kfp_api.report import outcome
    from pipelines.kfp_api.runs import exit_code

    echo("\n".join(outcome(view, remarks(kubeflow, view, store_opener()))))
    return exit_code(view.state)
