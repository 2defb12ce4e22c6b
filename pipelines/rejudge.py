"""The pipeline that judges an earlier run again: from its model to service, without training."""

from typing import Any

from kfp import dsl

from components.reopen.component import reopen
from pipelines.placement import BuildOptions
from pipelines.train_and_deploy import judge, settle


def build_rejudge(build: BuildOptions | None = None) -> Any:
    """Returns the pipeline, a kfp `GraphComponent`; see `build_pipeline`."""
    build = build or BuildOptions()

    @dsl.pipeline(
        name="ocr-rejudge",
        display_name="Text recognition: judge a run again",
        description="A trained run in, a served and verified model out, against what serves now.",
    )
    def rejudge(run: str) -> None:
        """Predicts, evaluates, exports and deploys the model of an earlier run.

        Args:
            run: id of that run; its run spec, model and data sets are taken as they were.
        """
        opened = reopen(run=run)
        judging = judge(
            dsl.PIPELINE_JOB_ID_PLACEHOLDER, opened.outputs["spec"], opened, opened.outputs["model"]
        )
        settle([opened, *judging], build)

    return rejudge
