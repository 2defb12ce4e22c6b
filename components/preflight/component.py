"""Step 4: what would waste a training run is found before a GPU is asked for."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def preflight(
    shards: Input[list[Dataset]],
    train_lmdb: Output[Dataset],
    validation_lmdb: Output[Dataset],
    test_lmdb: Output[Dataset],
    report: Output[Markdown],
    config: str,
    config_overrides: list[str] = [],  # noqa: B006 (kfp reads the default; it is never changed)
    max_bad_fraction: float = 0.01,
    evaluate_max_pods: int = 1,
    max_accuracy_drop_fraction: float = 0.01,
    thresholds: dict[str, Any] = {},  # noqa: B006
) -> list[dict[str, Any]]:
    """Joins the packed parts by role and checks how they fit the configuration.

    Args:
        shards: pointers to the packed parts, a list a pod.
        train_lmdb: pointer to the samples to learn from.
        validation_lmdb: pointer to the samples that choose the checkpoint; leads nowhere where
            there are none.
        test_lmdb: pointer to the samples that decide.
        report: what was checked and found.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        config_overrides: `Key.sub=value` each.
        max_bad_fraction: share of samples the configuration cannot learn at which to stop, 0 to 1.
        evaluate_max_pods: largest number of pods that predict the test set.
        max_accuracy_drop_fraction: of the gate, for what the report says of the test set.
        thresholds: any other threshold of the gate, checked here already.

    Returns:
        The test set's samples, shared out among these pods: {"first": …, "last": …} each.
    """
    from components.step_context import step_context

    with step_context("preflight") as context:
        from components.preflight.join import join_sets
        from components.preflight.step import gate_limits, preflight, share_out
        from ocr_lib.atomic import write_text
        from ocr_lib.storage.artifact_ref import read_refs, write_ref

        packed = [pointer for artifact in shards for pointer in read_refs(artifact)]
        limits = gate_limits(max_accuracy_drop_fraction, thresholds)
        sets = join_sets(context.below("joins"), packed)
        text = preflight(context, sets, config, config_overrides, max_bad_fraction, limits)
        write_text(report.path, text)
        write_ref(train_lmdb, sets.train)
        write_ref(validation_lmdb, sets.validation)
        write_ref(test_lmdb, sets.test)
        return share_out(sets.test, evaluate_max_pods)
