"""Step 1: everything that has a name gets a digest, and what follows is told what to do."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def plan(
    spec: Output[Artifact],
    report: Output[Markdown],
    run: str,
    images: dict[str, Any],
    train_data_uri: str,
    test_data_uri: str,
    validation_data_uri: str,
    config: str,
    pretrained_uri: str,
    train_minutes: float,
    train_backend: str,
    train_workers: int,
    model_name: str,
    skip_if_unchanged: bool,
    triton_urls: list[str],
    options: dict[str, Any],
) -> NamedTuple(  # type: ignore[valid-type]
    "Plan", [("Output", bool), ("partitions", list[dict]), ("preflight_settings", dict)]
):
    """Resolves the run to its spec and compares that with production; reads none of the data.

    Args:
        spec: reference to the run spec.
        report: what there is, and what of it is new.
        run: names the pipeline run; a repeated plan of it adopts the spec that it finds.
        images: container images of the steps by name.
        train_data_uri: this and the rest are the pipeline's, see `ocr_lib/runspec/parameters.py`.
        test_data_uri: see there.
        validation_data_uri: see there.
        config: see there.
        pretrained_uri: see there.
        train_minutes: see there.
        train_backend: see there.
        train_workers: see there.
        model_name: see there.
        skip_if_unchanged: see there.
        triton_urls: see there.
        options: see there.

    Returns:
        Whether to go on, the data by pod that packs it, and what preflight goes by.
    """
    from components.step_context import step_context

    with step_context("plan") as context:
        from components.plan import step as planning
        from ocr_lib.atomic import write_text
        from ocr_lib.runspec.parameters import parse_parameters
        from ocr_lib.storage.artifact_ref import write_ref

        parameters = parse_parameters(
            {
                "train_data_uri": train_data_uri,
                "test_data_uri": test_data_uri,
                "validation_data_uri": validation_data_uri,
                "config": config,
                "pretrained_uri": pretrained_uri,
                "train_minutes": train_minutes,
                "train_backend": train_backend,
                "train_workers": train_workers,
                "model_name": model_name,
                "skip_if_unchanged": skip_if_unchanged,
                "triton_urls": triton_urls,
                "options": options,
            }
        )
        request = planning.PlanRequest(run=run, parameters=parameters, images=images)
        result = planning.plan(context, request)
        write_ref(spec, result.ref)
        write_text(report.path, result.markdown())
        return result.proceed, result.partitions(), result.preflight_settings()
