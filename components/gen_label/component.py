"""Step 2: other tools' labels become label lists, with a report of everything changed."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def gen_label(partition: dict[str, Any], labels: Output[Dataset], report: Output[Markdown]) -> None:
    """Converts the labels of some parts of the data to `relative/path<TAB>label` lists.

    Args:
        partition: what this round converts, as the plan wrote it.
        labels: references to the label lists, one a part.
        report: what was changed or dropped, by reason.
    """
    from components.step_context import step_context

    with step_context("gen_label") as context:
        from components.gen_label.step import gen_label
        from ocr_lib.atomic import write_text
        from ocr_lib.runspec.partition import DataPartition
        from ocr_lib.storage.artifact_ref import write_refs

        refs, text = gen_label(context, DataPartition.from_dict(partition))
        write_refs(labels, refs)
        write_text(report.path, text)
