"""The pipeline's exit handler: nothing of a run stays behind, however the run ended."""

from kfp import dsl
from kfp.dsl import PipelineTaskFinalStatus

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def clean_up(run: str, status: PipelineTaskFinalStatus) -> None:
    """Ends the run's training job, its logs kept; does nothing where there is none.

    Args:
        run: names the run in the object store, as the train step was told.
        status: how the pipeline ended, as far as the backend knows: for the log only.
    """
    from components.step_context import step_context

    with step_context("clean-up", run=run) as context:
        from components.clean_up.step import CleanUpRequest, clean_up

        clean_up(context, CleanUpRequest(run=run, state=str(status.state)))
