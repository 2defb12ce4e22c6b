"""A run as it stands, out of all that the server tells of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.kfp_api import runs
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.connection import KFP_NAMESPACE
from pipelines.kfp_api.outline import Outline, outline_of
from pipelines.kfp_api.rounds import (
    FAILED,
    PENDING,
    SUCCEEDED,
    RunProgress,
    progress_in_details,
    progress_in_workflow,
)
from pipelines.kfp_api.steps import FINAL, RunStep, steps_of
from pipelines.titles import ACCEPTED, SOMETHING_NEW


def outline(kubeflow: Kubeflow, run: Any) -> Outline:
    """Returns a run's pipeline."""
    return outline_of(runs.package_of(kubeflow, run))


@dataclass(frozen=True, slots=True)
class View:
    """A run as it stands.

    Attributes:
        run: as the API describes it.
        outline: its pipeline.
        progress: what became of each task.
        steps: the same, a step each.
        namespace: where its pods are.
        seen: when this was.
    """

    run: Any
    outline: Outline
    progress: RunProgress
    steps: tuple[RunStep, ...]
    namespace: str
    seen: datetime

    @property
    def state(self) -> str:
        """KFP's state of the run."""
        return str(self.run.state or PENDING)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state in FINAL

    @property
    def refused(self) -> bool:
        """Whether it succeeded and its candidate was refused: a result, not an error."""
        return self.state == SUCCEEDED and ACCEPTED in self._skipped

    @property
    def unchanged(self) -> bool:
        """Whether it succeeded early, since there was nothing new to learn."""
        return self.state == SUCCEEDED and SOMETHING_NEW in self._skipped

    @property
    def failed(self) -> RunStep | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.state == FAILED), None)

    @property
    def _skipped(self) -> set[str]:
        return {self.outline.groups[name] for name in self.progress.skipped}

    def step(self, task: str) -> RunStep | None:
        """Returns the step of a task, by its name or title."""
        folded = task.casefold()
        for step in self.steps:
            if folded in (step.task.name.casefold(), step.task.title.casefold()):
                return step
        return None


def look(kubeflow: Kubeflow, run_id: str, known: Outline | None = None) -> View:
    """Returns a run as it stands.

    Args:
        kubeflow: the server.
        run_id: the run.
        known: its pipeline, where an earlier look has found it.
    """
    run = runs.get(kubeflow, run_id)
    pipeline = known or outline(kubeflow, run)
    workflow = kubeflow.workflow(run_id)
    if workflow is not None:
        progress = progress_in_workflow(workflow, pipeline)
    else:
        details = (run.run_details and run.run_details.task_details) or ()
        progress = progress_in_details(details, pipeline)
    seen = datetime.now(UTC)
    steps = steps_of(progress, pipeline, ended=run.state in FINAL, now=seen)
    namespace = workflow.namespace if workflow else ""
    namespace = namespace or kubeflow.connection.namespace or KFP_NAMESPACE
    return View(run, pipeline, progress, tuple(steps), namespace, seen)
