"""`ocr reap`: ends training jobs that no run waits for any more."""

import argparse

from ocr_lib.terminal import echo
from pipelines.cli.cluster.namespaces import namespace
from pipelines.cli.model.arguments import real_number

DESCRIPTION = """\
End training jobs of a namespace that are over: finished long ago, past their deadline,
or of a pipeline run that has no pod at work. What is alive, or young, stays.

It may run as often as you like: the pipeline's exit handler does the same for its own run,
this finds what the exit handler missed. Meant for a CronJob."""
EXAMPLES = """\
  ocr reap
  ocr reap --dry-run --namespace kubeflow
  ocr reap --finished-hours 1 --young-minutes 5"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--namespace",
        type=namespace,
        help="where the runs are (default: the pod's own, or the one of KUBECONFIG's context)",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what is over, end nothing")
    parser.add_argument(
        "--finished-hours",
        type=real_number(0, 24 * 365),
        default=6.0,
        metavar="H",
        help="a finished job goes after so long (default %(default)s)",
    )
    parser.add_argument(
        "--young-minutes",
        type=real_number(0, 60 * 24 * 365),
        default=15.0,
        metavar="M",
        help="no job younger than this goes (default %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Ends what is over, and says why."""
    import time

    from components.clean_up.step import end_job
    from ocr_lib.jobs.garbage_collector import RetentionLimits, collect_garbage, expired_jobs
    from ocr_lib.jobs.kubernetes_api import KubernetesApi

    limits = RetentionLimits(
        finished_s=args.finished_hours * 3600, min_age_s=args.young_minutes * 60
    )
    cluster = KubernetesApi.connect(args.namespace)
    if args.dry_run:
        over = expired_jobs(cluster, time.time(), limits)
    else:
        over = collect_garbage(cluster, limits, end_job)
    for name, why in over.items():
        echo(f"{'over' if args.dry_run else 'ended'}: {name}: {why}")
    return 0
