"""Schedules: recurring runs of one version, replaced so that a failure leaves just one active.

A recurring run holds the pipeline as it was when it was made, so a new version needs a new one. The
new one is made switched off, then switched on, and the former is deleted at once. Where one of that
fails, what the server has then decides: with the former still there the new one goes, otherwise it
stays. A client that is killed between the two calls leaves both; `create` again puts that right.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import kfp_server_api as kfp

from ocr_lib.errors import ConfigError, OcrError
from pipelines.kfp_api.api import Kubeflow, NotFoundError
from pipelines.kfp_api.upload import Version


def create(
    kubeflow: Kubeflow,
    version: Version,
    parameters: Mapping[str, Any],
    *,
    name: str,
    cron: str,
    experiment: str,
    no_catchup: bool = True,
    service_account: str = "",
) -> tuple[str, int]:
    """Makes a schedule, in place of those of the same name.

    Args:
        kubeflow: the server.
        version: what to run.
        parameters: of every run.
        name: of the schedule.
        cron: six fields, checked.
        experiment: which the runs belong to.
        no_catchup: runs missed while the schedule was off are not made up for.
        service_account: of the runs; the server's own by default.

    Returns:
        Its id, and how many schedules it replaced.

    Raises:
        ServiceError: a call failed; the former schedule is active still, unless it was gone before.
    """
    former = find(kubeflow, name)
    schedule = kfp.V2beta1RecurringRun(
        display_name=name,
        experiment_id=kubeflow.experiment(experiment),
        pipeline_version_reference=version.reference,
        runtime_config=kfp.V2beta1RuntimeConfig(parameters=dict(parameters)),
        trigger=kfp.V2beta1Trigger(cron_schedule=kfp.V2beta1CronSchedule(cron=cron)),
        mode=kfp.RecurringRunMode.DISABLE,
        max_concurrency="1",
        no_catchup=no_catchup,
        service_account=service_account or None,
        **kubeflow.namespace,
    )
    service = kubeflow.schedules
    new = kubeflow.call(
        service.recurring_run_service_create_recurring_run, schedule
    ).recurring_run_id
    try:
        resume(kubeflow, new)
        for item in sorted(former, key=is_active, reverse=True):
            delete(kubeflow, item.recurring_run_id)
    except BaseException:
        with suppress(OcrError):  # the failure that led here is the one to tell
            _settle(kubeflow, name, new)
        raise
    return str(new), len(former)


def _settle(kubeflow: Kubeflow, name: str, new: str) -> None:
    """Leaves one active schedule of a name: a former one that still is, otherwise the new one."""
    others = [item for item in find(kubeflow, name) if item.recurring_run_id != new]
    if any(map(is_active, others)):
        pause(kubeflow, new)
        delete(kubeflow, new)
    else:
        resume(kubeflow, new)


def find(kubeflow: Kubeflow, name: str) -> list[Any]:
    """Returns the schedules of a name: one, or none, or what an interrupted `create` left."""
    return kubeflow.named(_list(kubeflow), "recurring_runs", name, **kubeflow.namespace)


def find_all(kubeflow: Kubeflow) -> list[Any]:
    """Returns all schedules."""
    schedules = kubeflow.pages(_list(kubeflow), "recurring_runs", **kubeflow.namespace)
    return sorted(schedules, key=lambda item: (item.display_name or "", item.created_at))


def find_one(kubeflow: Kubeflow, name: str) -> list[Any]:
    """Returns the schedules of a name, of which there is at least one.

    Raises:
        ConfigError: there is none.
    """
    schedules = find(kubeflow, name)
    if not schedules:
        known = ", ".join(sorted({item.display_name for item in find_all(kubeflow)})) or "none"
        raise ConfigError(name, "no schedule of this name", f"Schedules: {known}")
    return schedules


def pause(kubeflow: Kubeflow, schedule_id: str) -> None:
    """Switches a schedule off."""
    kubeflow.read(kubeflow.schedules.recurring_run_service_disable_recurring_run, schedule_id)


def resume(kubeflow: Kubeflow, schedule_id: str) -> None:
    """Switches a schedule on."""
    kubeflow.read(kubeflow.schedules.recurring_run_service_enable_recurring_run, schedule_id)


def delete(kubeflow: Kubeflow, schedule_id: str) -> None:
    """Deletes a schedule; its runs stay."""
    with suppress(NotFoundError):  # an answer was lost, and this is the second attempt
        kubeflow.read(kubeflow.schedules.recurring_run_service_delete_recurring_run, schedule_id)


def is_active(schedule: Any) -> bool:
    """Tells whether a schedule is switched on."""
    return bool(schedule.status == kfp.V2beta1RecurringRunStatus.ENABLED)


def cron_of(schedule: Any) -> str:
    """Returns the cron expression; empty for schedules made elsewhere in another way."""
    trigger = schedule.trigger
    return str((trigger and trigger.cron_schedule and trigger.cron_schedule.cron) or "")


def _list(kubeflow: Kubeflow) -> Callable[..., Any]:
    return kubeflow.schedules.recurring_run_service_list_recurring_runs  # type: ignore[no-any-return]
