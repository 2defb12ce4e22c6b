"""Runs of the pipeline: start, follow, look at, cancel."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import kfp_server_api as kfp

from ocr_lib.errors import ServiceError
from pipelines.kfp_api.api import Kubeflow, NotFoundError
from pipelines.kfp_api.steps import FINAL
from pipelines.kfp_api.upload import Version

EXIT_SUCCEEDED, EXIT_FAILED, EXIT_STILL_RUNNING = 0, 1, 3


def start(
    kubeflow: Kubeflow,
    version: Version,
    parameters: Mapping[str, Any],
    *,
    name: str,
    experiment: str,
    service_account: str = "",
) -> Any:
    """Starts a run of a version.

    Raises:
        ServiceError: the server did not say that it started; it may have, and the message says so.
    """
    run = kfp.V2beta1Run(
        display_name=name,
        experiment_id=kubeflow.experiment(experiment),
        pipeline_version_reference=version.reference,
        runtime_config=kfp.V2beta1RuntimeConfig(parameters=dict(parameters)),
        service_account=service_account or None,
    )
    try:
        return kubeflow.call(kubeflow.runs.run_service_create_run, run)
    except NotFoundError:
        raise
    except ServiceError as error:
        raise ServiceError(
            f"{error} Whether the run {name!r} was started is unknown: see `ocr pipeline status`."
        ) from None


def get(kubeflow: Kubeflow, run_id: str) -> Any:
    """Returns a run.

    Raises:
        NotFoundError: there is none.
    """
    try:
        return kubeflow.read(kubeflow.runs.run_service_get_run, run_id)
    except NotFoundError:
        raise NotFoundError(
            f"{kubeflow.connection.host}: no run {run_id}. See `ocr pipeline status` for the last."
        ) from None


def package_of(kubeflow: Kubeflow, run: Any) -> Any:
    """Returns what a run was compiled to; runs of a version name it instead of holding it."""
    reference = run.pipeline_version_reference
    if run.pipeline_spec or not reference:
        return run.pipeline_spec
    version = kubeflow.read(
        kubeflow.pipelines.pipeline_service_get_pipeline_version,
        reference.pipeline_id,
        reference.pipeline_version_id,
    )
    return version.pipeline_spec


def latest(kubeflow: Kubeflow, count: int) -> list[Any]:
    """Returns the last runs, newest first."""
    runs = kubeflow.pages(
        kubeflow.runs.run_service_list_runs,
        "runs",
        sort_by="created_at desc",
        **kubeflow.namespace,
    )
    return list(islice(runs, count))


def terminate(kubeflow: Kubeflow, run_id: str) -> None:
    """Asks the server to end a run; it answers at once and takes some time to do it."""
    kubeflow.read(kubeflow.runs.run_service_terminate_run, run_id)


def exit_code(state: str | None) -> int:
    """Returns what a command that waited for a run ends with."""
    if state not in FINAL:
        return EXIT_STILL_RUNNING
    return EXIT_SUCCEEDED if state in ("SUCCEEDED", "SKIPPED") else EXIT_FAILED
