"""The log of a step, from wherever it still is.

| where | who can read it | until |
| --- | --- | --- |
| a pod or Argo's archive, by Kubeflow's server | who may see the run | the store drops it |
| a pod that runs, by Kubernetes | who may read pods' logs | the pod goes |
| the launcher's artifact | who has a key of the object store | the object store drops it |

All but the last need the workflow, whose nodes say which pod was the step's.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from ocr_lib.errors import ConfigError, OcrError, ServiceError
from ocr_lib.report.evaluation_result import REFUSED_BY
from ocr_lib.storage.store import Store
from ocr_lib.terminal import printable
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.report import EVALUATE, log_place
from pipelines.kfp_api.rounds import Round
from pipelines.kfp_api.steps import RunStep
from pipelines.kfp_api.view import View
from pipelines.kfp_api.workflow import LOG_ARTIFACT

MAX_BYTES = 8 << 20
MAX_REASONS, LAST_LINES = 20, 5
ARCHIVED = "main-logs"
STORE = "OCR_S3_ENDPOINT"
OpenStore = Callable[[], Store]


@dataclass(frozen=True, slots=True)
class Log:
    """The end of a step's log.

    Attributes:
        source: where it was read.
        lines: safe to print.
        cut: whether something before them is left out.
    """

    source: str
    lines: Sequence[str]
    cut: bool = False

    def last(self, count: int) -> "Log":
        """Returns its last lines."""
        return Log(self.source, self.lines[-count:], self.cut or len(self.lines) > count)


def read_log(
    kubeflow: Kubeflow,
    view: View,
    step: RunStep,
    number: int = 0,
    open_store: OpenStore | None = None,
) -> Log:
    """Returns the log of a step.

    Args:
        kubeflow: the server.
        view: the run.
        step: one of its steps.
        number: which round of a loop, from 1; 0 chooses one that failed, or goes on, or the last.
        open_store: opens the object store; None where none is configured.

    Raises:
        ConfigError: the step has no such round, or has not begun.
        ServiceError: the log is nowhere; says where it was looked for.
    """
    item = _round(step, number)
    missed = []
    for source, read in _sources(kubeflow, view, step, item, open_store):
        try:
            content = read()
        except (OcrError, ValueError) as error:
            missed.append(f"{source}: {error}")
            continue
        lines = _lines(content[-MAX_BYTES:])
        cut = len(content) > MAX_BYTES
        if cut:
            lines = lines[1:] or lines  # its beginning is missing
        return Log(source, lines[:-1] if lines and not lines[-1] else lines, cut)
    where = "; ".join(missed) or f"the server names no pod of it, and {STORE} is not set"
    place = log_place(view, step)
    stored = f" When the step has ended it is kept at {place}." if place else ""
    raise ServiceError(f"{step.task.title}: no log can be read ({where}).{stored}")


def remarks(kubeflow: Kubeflow, view: View, open_store: OpenStore | None = None) -> list[str]:
    """Returns what the steps themselves say of the end of a run, as far as it can be read.

    Of a failure, the last lines of the failed step; of a refusal, the gate's reasons.
    """
    step = view.step(EVALUATE) if view.refused else view.failed
    if step is None or not view.ended:
        return []
    try:
        log = read_log(kubeflow, view, step, open_store=open_store)
    except OcrError:
        return []
    if view.refused:
        parts = [line.partition(REFUSED_BY) for line in log.lines]
        return [reason for _, mark, reason in parts if mark][:MAX_REASONS]
    return [line for line in log.lines if line.strip()][-LAST_LINES:]


def _round(step: RunStep, number: int) -> Round | None:
    if number:
        if number > len(step.rounds):
            raise ConfigError(
                f"--round {number}", f"{step.task.title} has {len(step.rounds)}", "Give one of them"
            )
        return step.rounds[number - 1]
    chosen = [item for item in step.rounds if item.state == step.state]
    return chosen[-1] if chosen else None


def _sources(
    kubeflow: Kubeflow, view: View, step: RunStep, item: Round | None, open_store: OpenStore | None
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yields each place that may have the log, and what reads its last bytes there."""
    workflow, node = view.progress.workflow, item.pod if item else None
    if workflow is not None and node is not None:
        run, pod = quote(str(view.run.run_id), safe=""), workflow.pod_name(node)
        yield f"pod {pod}, by Kubeflow", partial(_from_pod, kubeflow, f"{run}/nodes/{quote(pod)}")
        if node.finished is None:
            yield f"pod {pod}, by Kubernetes", partial(_from_cluster, view.namespace, pod)
        if ARCHIVED in node.artifacts:
            nodes = f"{run}/nodes/{quote(node.id)}"
            yield "Argo's archive", partial(_from_archive, kubeflow, nodes)
    place = log_place(view, step)
    if place and open_store:
        uri = node.log_uri() if node is not None else ""
        prefix = uri or place.partition("<")[0]
        yield f"object store, {prefix}", partial(_from_store, open_store, prefix)


def _from_pod(kubeflow: Kubeflow, node: str) -> bytes:
    """Reads what Kubeflow's server reads: a pod's log, or Argo's archive of it.

    In a single-user installation it finds no pod that still runs, only the archive.
    """
    content = kubeflow.fetch(f"/apis/v1alpha1/runs/{node}/log", limit=MAX_BYTES + 1)
    # The status is 200 whatever happens: an error comes where the log would.
    if content.startswith(b'{"error_message":'):
        raise ServiceError("it cannot read it")
    return content


def _from_cluster(namespace: str, pod: str) -> bytes:
    from ocr_lib.jobs.kubernetes_api import KubernetesApi  # its client takes long to import

    content = KubernetesApi.connect(namespace).container_log(pod, "main", max_bytes=MAX_BYTES + 1)
    if content is None:
        raise ServiceError("there is no such pod, or it has not started")
    return content


def _from_archive(kubeflow: Kubeflow, node: str) -> bytes:
    path = f"/apis/v2beta1/runs/{node}/artifacts/{ARCHIVED}:read"
    answer = kubeflow.fetch(path, limit=(MAX_BYTES // 3 + 2) * 4 + len(b'"}'))
    text = answer.rstrip().removesuffix(b'"}').rpartition(b'"')[2]
    return base64.b64decode(text[len(text) % 4 :], validate=True)


def _from_store(open_store: OpenStore, prefix: str) -> bytes:
    store = open_store()
    logs = [item for item in store.list(prefix) if f"/{LOG_ARTIFACT}" in item.key]
    if not logs:
        raise ServiceError("there is none")
    last = max(logs, key=lambda item: item.modified)
    bucket = prefix.removeprefix("s3://").partition("/")[0] if "://" in prefix else store.bucket
    return store.get_end(f"s3://{bucket}/{last.key}", MAX_BYTES + 1)


def _lines(content: bytes) -> list[str]:
    """Returns the lines of a log; a bar that is redrawn in place becomes a line each time."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return [printable(line, keep="\t") for line in text.split("\n")]
