"""Step 7: how the candidate compares with the champion, and whether it may replace it."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Markdown, Metrics, Model, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def evaluate(
    spec: Input[Artifact],
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
) -> bool:
    """Scores what both models predicted on the same samples and decides; a refusal is no error.

    Args:
        spec: reference to the run spec.
        model: reference to the run directory.
        train_lmdb: reference to the samples it learnt from; none of them may decide.
        validation_lmdb: reference to the samples that chose it; nor may these.
        test_lmdb: reference to the samples that decide.
        predictions: references to the predictions of both models, one a partition.
        evaluation: reference to all figures.
        metrics: the main figures.
        verdict: the decision with its reasons.
        report: figures by length and width, and the worst lines with their pictures.
        run: names the pipeline run, which has pinned the champion.

    Returns:
        Whether the model may serve.
    """
    from components.step_context import step_context

    with step_context("evaluate") as context:
        from components.evaluate import step as evaluate
        from ocr_lib.runspec.judged_run import JudgedRun, save_record
        from ocr_lib.runspec.spec_store import load_spec
        from ocr_lib.storage.artifact_ref import read_optional_ref, read_ref, write_ref

        record = JudgedRun(
            spec=read_ref(spec),
            model=read_ref(model),
            train=read_ref(train_lmdb),
            validation=read_optional_ref(validation_lmdb),
            test=read_ref(test_lmdb),
        )
        save_record(context.store, run, record)
        request = evaluate.EvaluateRequest(
            run=run,
            model=record.model,
            train=record.train,
            validation=record.validation,
            test=record.test,
            predictions=[read_ref(part) for part in predictions],
            limits=load_spec(context.store, record.spec.digest).options.gate,
        )
        result, pointer = evaluate.evaluate(context, request)
        write_ref(evaluation, pointer)
        metrics.metadata.update(result.metrics())
        result.write_reports(verdict.path, report.path)
        return result.verdict.passed
