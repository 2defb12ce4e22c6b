"""`ocr reap`: ends training jobs that no run waits for any more."""

from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import namespace, real_number
from pipelines.cli.pipeline.options import store_opener


@command("reap")
@option(
    "--namespace",
    type=namespace,
    help="where the runs are (default: the pod's own, or the one of KUBECONFIG's context)",
)
@option("--dry-run", is_flag=True, help="say what is over, end nothing")
@option(
    "--finished-hours",
    type=real_number(0, 24 * 365),
    default=6.0,
    help="a job that has finished is kept for this long",
)
@option(
    "--young-minutes",
    type=real_number(0, 60 * 24 * 365),
    default=15.0,
    help="no job younger than this goes",
)
def reap(namespace: str | None, dry_run: bool, finished_hours: float, young_minutes: float) -> None:
    """End training jobs of a namespace that are over.

    They finished long ago, are past their deadline, or belong to a pipeline run that has no pod at
    work. What is alive, or young, stays. Where OCR_S3_ENDPOINT and the store's keys are set, how
    far each was is read from its heartbeat.

    It may run as often as you like: the pipeline's exit handler does the same for its own run, this
    finds what the exit handler missed. Meant for a CronJob.

    Examples:
      ocr reap
      ocr reap --dry-run --namespace kubeflow
      ocr reap --finished-hours 1 --young-minutes 5
    """
    import time

    from components.clean_up.step import end_job
    from ocr_lib.jobs.garbage_collector import RetentionLimits, collect_garbage, expired_jobs
    from ocr_lib.jobs.kubernetes_api import KubernetesApi

    limits = RetentionLimits(finished_s=finished_hours * 3600, min_age_s=young_minutes * 60)
    cluster = KubernetesApi.connect(namespace)
    open_store = store_opener()
    store = open_store() if open_store else None
    if dry_run:
        for name, why in expired_jobs(cluster, time.time(), limits, store).items():
            echo(f"over: {name}: {why}")
        return
    collect_garbage(cluster, limits, end_job, store=store)
