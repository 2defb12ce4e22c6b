"""`ocr pipeline schedule`: recurring runs."""

from datetime import UTC, datetime
from typing import Any

import click

from ocr_lib.terminal import echo
from pipelines.cli.command import group, option
from pipelines.cli.options import text
from pipelines.cli.pipeline.options import (
    AUTH_HELP,
    ConnectionChoice,
    PackageChoice,
    RunChoice,
    with_connection,
    with_package,
    with_parameters,
)
from pipelines.kfp_api.cron import CronError, check_cron, find_zone, next_times

SHOWN_TIMES = 3
SKIP = "skip_if_unchanged"

with_name = click.argument("name", type=text, help="of the schedule")
with_zone = option(
    "--timezone",
    default="UTC",
    metavar="ZONE",
    help="the installation's CRON_SCHEDULE_TIMEZONE, if it has one",
)


@group("schedule", epilog=AUTH_HELP)
def schedule() -> None:
    """Make, list, pause, resume and delete schedules.

    A schedule runs one version of the pipeline, one run at a time; making it again under the same
    name replaces it. A scheduled run that finds neither new data nor another configuration than the
    serving model's ends at its first step and succeeds.

    Examples:
      ocr pipeline schedule create nightly --cron "0 0 3 * * *" --params run.yaml
      ocr pipeline schedule list
      ocr pipeline schedule pause nightly
    """


@schedule.command("create")
@with_name
@option(
    "--cron",
    required=True,
    help='six fields: second minute hour day month weekday; "0 0 3 * * *" is daily at three; or '
    "@daily, @weekly, @every 12h and the like",
)
@option("--catch-up", is_flag=True, help="after a pause, make up for every run that was missed")
@with_package
@with_parameters
@with_connection
@with_zone
def create(
    name: str,
    cron: str,
    catch_up: bool,
    package: PackageChoice,
    choice: RunChoice,
    connection: ConnectionChoice,
    timezone: str,
) -> None:
    """Make a schedule, or replace it."""
    from pipelines.kfp_api import schedules
    from pipelines.kfp_api.package import commit_of
    from pipelines.kfp_api.upload import upload

    cron, zone = check_cron(cron), find_zone(timezone)
    compiled = package.read()
    parameters = choice.parameters(compiled)
    if SKIP in compiled.parameters:
        parameters.setdefault(SKIP, True)
    with connection.open() as kubeflow:
        version = upload(kubeflow, compiled, commit_of())
        _, replaced = schedules.create(
            kubeflow,
            version,
            parameters,
            name=name,
            cron=cron,
            experiment=choice.experiment,
            no_catchup=not catch_up,
            service_account=choice.service_account or "",
        )
    done = "replaced" if replaced else "made"
    echo(f"{name}: {done}, active, version {version.name}")
    echo("\n".join(_next(cron, zone)))


@schedule.command("list")
@with_zone
@with_connection
def show(timezone: str, connection: ConnectionChoice) -> None:
    """Show all schedules and when they run next."""
    from pipelines.kfp_api import schedules

    zone = find_zone(timezone)
    with connection.open() as kubeflow:
        items = schedules.find_all(kubeflow)
    for item in items:
        active, cron = schedules.is_active(item), schedules.cron_of(item)
        state, first = ("active", _first(item, zone)) if active else ("paused", "")
        echo(f"{item.display_name:<24} {state:<7} {cron:<20} {first}")
    if not items:
        echo("no schedules")


@schedule.command("pause")
@with_name
@with_connection
def pause(name: str, connection: ConnectionChoice) -> None:
    """Switch a schedule off."""
    from pipelines.kfp_api import schedules

    with connection.open() as kubeflow:
        for item in schedules.find_one(kubeflow, name):
            schedules.pause(kubeflow, item.recurring_run_id)
    echo(f"{name}: paused")


@schedule.command("resume")
@with_name
@with_connection
def resume(name: str, connection: ConnectionChoice) -> None:
    """Switch a schedule on."""
    from pipelines.kfp_api import schedules

    with connection.open() as kubeflow:
        # Of several, which only a killed `create` leaves, one may run.
        items = sorted(schedules.find_one(kubeflow, name), key=lambda item: item.created_at)
        for item in items[:-1]:
            schedules.delete(kubeflow, item.recurring_run_id)
        schedules.resume(kubeflow, items[-1].recurring_run_id)
    echo(f"{name}: active")


@schedule.command("delete")
@with_name
@with_connection
def delete(name: str, connection: ConnectionChoice) -> None:
    """Delete a schedule; its runs stay."""
    from pipelines.kfp_api import schedules

    with connection.open() as kubeflow:
        for item in schedules.find_one(kubeflow, name):
            schedules.delete(kubeflow, item.recurring_run_id)
    echo(f"{name}: deleted; its runs stay")


def _next(cron: str, zone: Any, created: datetime | None = None) -> list[str]:
    times = next_times(cron, SHOWN_TIMES, zone, datetime.now(UTC), created)
    return [f"  runs next  {time:%a %Y-%m-%d %H:%M:%S} {time.tzname()}" for time in times]


def _first(schedule: Any, zone: Any) -> str:
    """Returns when a schedule runs next; those made elsewhere may be of another kind."""
    from pipelines.kfp_api import schedules

    try:
        lines = _next(schedules.cron_of(schedule), zone, schedule.created_at)
    except CronError:
        return "at times that this command does not understand"
    return lines[0].strip() if lines else "its expression matches no date: delete it"
