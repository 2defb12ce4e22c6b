"""Step 4: what would waste a training run is found before a GPU is asked for."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def preflight(
    shards: Input[list[Dataset]],
    settings: dict[str, Any],
    train_lmdb: Output[Dataset],
    validation_lmdb: Output[Dataset],
    test_lmdb: Output[Dataset],
    report: Output[Markdown],
) -> list[dict[str, Any]]:
    """Joins the packed parts by role and checks how they fit the configuration.

    Args:
        shards: references to the packed parts, a list a pod.
        settings: what to go by, as the plan wrote it.
        train_lmdb: reference to the samples to learn from.
        validation_lmdb: reference to the samples that choose the checkpoint; leads nowhere where
            there are none.
        test_lmdb: reference to the samples that decide.
        report: what was checked and found.

    Returns:
        The test set's samples in partitions, {"first": …, "last": …} each.
    """
    from components.step_context import step_context

    with step_context("preflight") as context:
        from components.preflight import step
        from components.preflight.join import join_sets
        from ocr_lib.atomic import write_text
        from ocr_lib.runspec.partition import PreflightSettings
        from ocr_lib.storage.artifact_ref import read_refs, write_ref

        limits = PreflightSettings.from_dict(settings)
        packed = [ref for artifact in shards for ref in read_refs(artifact)]
        sets = join_sets(context.below("joins"), packed)
        request = step.PreflightRequest(sets=sets, settings=limits)
        write_text(report.path, step.preflight(context, request))
        write_ref(train_lmdb, sets.train)
        write_ref(validation_lmdb, sets.validation)
        write_ref(test_lmdb, sets.test)
        return step.share_out(sets.test, limits.max_pods)
