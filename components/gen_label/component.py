"""Step 2: other tools' labels become label lists, with a report of everything changed."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def gen_label(
    group: dict[str, Any],
    labels: Output[Dataset],
    report: Output[Markdown],
    label_format: str = "auto",
    max_bad_fraction: float = 0.01,
) -> None:
    """Converts the labels of some parts of the data to `relative/path<TAB>label` lists.

    Args:
        group: {"parts": [...], "split": {...}}, what this round converts, as the plan wrote it.
        labels: pointers to the label lists, one a part.
        report: what was changed or dropped, by reason.
        label_format: rec and det (ICDAR), list (PaddleOCR), or auto: found out from the file.
        max_bad_fraction: share of unusable lines of a part at which to give up, 0 to 1.
    """
    from components.step_context import step_context

    with step_context("gen_label") as context:
        from components.gen_label.step import convert_parts
        from ocr_lib.atomic import write_text
        from ocr_lib.storage.artifact_ref import write_refs

        refs, text = convert_parts(
            context, group["parts"], group["split"], label_format, max_bad_fraction
        )
        write_refs(labels, refs)
        write_text(report.path, text)
