"""`ocr pipeline logs`: what a step of a run wrote."""

import click

from ocr_lib.errors import ConfigError
from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import count, text
from pipelines.cli.pipeline.options import (
    AUTH_HELP,
    ConnectionChoice,
    store_opener,
    with_connection,
)


@command("logs", epilog=AUTH_HELP)
@click.argument("run_id", type=text, metavar="RUN", help="a run's id")
@click.argument(
    "step_name", type=text, required=False, metavar="STEP", help="name or title of a step"
)
@option("--lines", type=count, default=200, help="show the last ones")
@option("--round", "round_", type=count, default=0, help="of a step in a loop, from 1")
@with_connection
def logs(
    run_id: str, step_name: str | None, lines: int, round_: int, connection: ConnectionChoice
) -> None:
    """Show the end of a step's log.

    It comes from the pod while it is there, later from Argo's archive through Kubeflow, or from the
    object store where OCR_S3_ENDPOINT and the keys of the store are set. Without STEP: of the step
    that failed, else of the last that began. Control characters are written out. Where the log
    comes from is printed to standard error.

    Examples:
      ocr pipeline logs 6f9c0c1e-…
      ocr pipeline logs 6f9c0c1e-… train --lines 1000
      ocr pipeline logs 6f9c0c1e-… pack-lmdb --round 2
    """
    from pipelines.kfp_api.logs import read_log
    from pipelines.kfp_api.view import look

    with connection.open() as kubeflow:
        view = look(kubeflow, run_id)
        begun = [step for step in view.steps if step.rounds]
        step = view.step(step_name) if step_name else view.failed or (begun[-1] if begun else None)
        if step is None:
            names = ", ".join(step.task.name for step in view.steps) or "none has begun yet"
            raise ConfigError(step_name or run_id, "no such step", f"Steps: {names}")
        log = read_log(kubeflow, view, step, round_, store_opener())
    shown = log.last(lines)
    note = f", the last {len(shown.lines):,} lines" if shown.cut else ""
    echo(f"{step.task.title}: {log.source}{note}", err=True)
    echo("\n".join(shown.lines))
