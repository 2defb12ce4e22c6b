"""`ocr pipeline schedule`: recurring runs."""

import argparse
from datetime import UTC, datetime
from typing import Any

from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import text
from pipelines.cli.pipeline.arguments import add_package, add_parameters, get_package
from pipelines.kfp_api.connection import add_connection, connected
from pipelines.kfp_api.cron import CronError, check_cron, find_zone, next_times

DESCRIPTION = """\
Make, list, pause, resume and delete schedules. A schedule runs one version of
the pipeline, one run at a time; making it again under the same name replaces
it. A scheduled run that finds neither new data nor another configuration than
the serving model's ends at its first step, green."""
EXAMPLES = """\
  ocr pipeline schedule create nightly --cron "0 0 3 * * *" --params run.yaml
  ocr pipeline schedule list
  ocr pipeline schedule pause nightly"""
SHOWN_TIMES = 3
SKIP = "skip_if_unchanged"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions of `ocr pipeline schedule`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a schedule, or replace it")
    create.add_argument("name", type=text, metavar="NAME")
    create.add_argument(
        "--cron",
        required=True,
        help='six fields: second minute hour day month weekday; "0 0 3 * * *" is daily at three; '
        "or @daily, @weekly, @every 12h and the like",
    )
    create.add_argument(
        "--catch-up",
        action="store_true",
        help="after a pause, make up for every run that was missed",
    )
    add_package(create)
    add_parameters(create)
    add_connection(create)
    _add_zone(create)
    for action, line in (
        ("list", "show all schedules and when they run next"),
        ("pause", "switch one off"),
        ("resume", "switch one on"),
        ("delete", "delete one; its runs stay"),
    ):
        found = actions.add_parser(action, help=line)
        if action == "list":
            _add_zone(found)
        else:
            found.add_argument("name", type=text, metavar="NAME")
        add_connection(found)


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    from pipelines.kfp_api.api import Kubeflow

    if args.action == "create":
        return _create(args)
    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        if args.action == "list":
            return _list(kubeflow, args)
        return _change(kubeflow, args)


def _add_zone(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timezone",
        default="UTC",
        help="the installation's CRON_SCHEDULE_TIMEZONE, if it has one (default: %(default)s)",
    )


def _create(args: argparse.Namespace) -> int:
    from pipelines.kfp_api import schedules
    from pipelines.kfp_api.api import Kubeflow
    from pipelines.kfp_api.package import commit_of
    from pipelines.kfp_api.parameters import read_parameters
    from pipelines.kfp_api.upload import upload

    cron, zone = check_cron(args.cron), find_zone(args.timezone)
    package = get_package(args)
    parameters = read_parameters(args.params, args.param, package.parameters)
    if SKIP in package.parameters:
        parameters.setdefault(SKIP, True)
    with connected(args) as connection:
        kubeflow = Kubeflow(connection)
        version = upload(kubeflow, package, commit_of())
        _, replaced = schedules.create(
            kubeflow,
            version,
            parameters,
            name=args.name,
            cron=cron,
            experiment=args.experiment,
            no_catchup=not args.catch_up,
            service_account=args.service_account or "",
        )
    done = "replaced" if replaced else "made"
    echo(f"{args.name}: {done}, active, version {version.name}")
    echo("\n".join(_next(cron, zone)))
    return 0


def _list(kubeflow: Any, args: argparse.Namespace) -> int:
    from pipelines.kfp_api import schedules

    zone = find_zone(args.timezone)
    found = schedules.find_all(kubeflow)
    for item in found:
        active, cron = schedules.is_active(item), schedules.cron_of(item)
        state, first = ("active", _first(item, zone)) if active else ("paused", "")
        echo(f"{item.display_name:<24} {state:<7} {cron:<20} {first}")
    if not found:
        echo("no schedules")
    return 0


def _change(kubeflow: Any, args: argparse.Namespace) -> int:
    from pipelines.kfp_api import schedules

    actions = {
        "pause": (schedules.pause, "paused"),
        "resume": (schedules.resume, "active"),
        "delete": (schedules.delete, "deleted; its runs stay"),
    }
    action, done = actions[args.action]
    found = schedules.find_one(kubeflow, args.name)
    if args.action == "resume":  # of several, which only a killed `create` leaves, one may run
        *others, newest = sorted(found, key=lambda item: item.created_at)
        for item in others:
            schedules.delete(kubeflow, item.recurring_run_id)
        found = [newest]
    for item in found:
        action(kubeflow, item.recurring_run_id)
    echo(f"{args.name}: {done}")
    return 0


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
