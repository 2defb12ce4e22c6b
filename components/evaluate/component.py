"""Step 7: how the candidate compares with the champion, and whether it may replace it."""

from typing import Any

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Markdown, Metrics, Model, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def evaluate(
    model: Input[Model],
    train_lmdb: Input[Dataset],
    validation_lmdb: Input[Dataset],
    test_lmdb: Input[Dataset],
    predictions: Input[list[Artifact]],
    evaluation: Output[Artifact],
    metrics: Output[Metrics],
    verdict: Output[Markdown],
    report: Output[HTML],
    run: str,
    min_accuracy_fraction: float = 0.0,
    min_norm_edit_dis: float = 0.0,
    min_samples: int = 100,
    max_accuracy_drop_fraction: float = 0.01,
    thresholds: dict[str, Any] = {},  # noqa: B006 (kfp reads the default; it is never changed)
) -> bool:
    """Scores what both models predicted on the same samples and decides; a refusal is no error.

    Args:
        model: pointer to the run directory.
        train_lmdb: pointer to the samples it learnt from; none of them may decide.
        validation_lmdb: pointer to the samples that chose it; nor may these.
        test_lmdb: pointer to the samples that decide.
        predictions: references to the predictions of both models, one a partition.
        evaluation: pointer to all figures.
        metrics: the main figures.
        verdict: the decision with its reasons.
        report: figures by length and width, and the worst lines with their pictures.
        run: names the pipeline run, which has pinned the champion.
        min_accuracy_fraction: smallest share of lines read exactly, 0 to 1.
        min_norm_edit_dis: smallest normalised edit similarity, 0 to 1.
        min_samples: smallest number of lines on which a verdict means something.
        max_accuracy_drop_fraction: how far below the serving model's accuracy it may be, 0 to 1.
        thresholds: any other threshold of `ocr gate` by name, as {"max_slice_drop": 0.1}.

    Returns:
        Whether the model may serve.
    """
    from components.step_context import step_context

    with step_context("evaluate") as context:
        from components.evaluate import step as evaluate
        from ocr_lib.storage.artifact_ref import read_optional_pointer, read_ref, write_ref

        limits = min_accuracy_fraction, min_norm_edit_dis, min_samples, max_accuracy_drop_fraction
        parts = [read_ref(part) for part in predictions]
        request = evaluate.EvaluateRequest(
            run=run,
            model=read_ref(model),
            train=read_ref(train_lmdb),
            validation=read_optional_pointer(validation_lmdb),
            test=read_ref(test_lmdb),
            predictions=parts,
            limits=evaluate.thresholds(*limits, thresholds),
        )
        found, pointer = evaluate.evaluate(context, request)
        write_ref(evaluation, pointer)
        metrics.metadata.update(found.metrics())
        found.write_reports(verdict.path, report.path)
        return found.verdict.passed
