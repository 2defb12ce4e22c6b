"""Step 1: other tools' labels become label lists, with a report of everything changed."""

from kfp import dsl
from kfp.dsl import Dataset, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def gen_label(
    train_data_uri: str,
    eval_data_uri: str,
    train_labels: Output[Dataset],
    eval_labels: Output[Dataset],
    report: Output[Markdown],
    train_data_sha256: str = "",
    eval_data_sha256: str = "",
    dataset_name: str = "lines",
    label_format: str = "auto",
    max_bad_fraction: float = 0.01,
) -> None:
    """Converts the labels of both sources to `relative/path<TAB>label` lists.

    Args:
        train_data_uri: folder, tar or zip of the lines to learn from.
        eval_data_uri: the same for the lines that decide.
        train_labels: pointer to the label list.
        eval_labels: pointer to the label list.
        report: what was changed or dropped, by reason.
        train_data_sha256: digest of the source, verified; without it a cached result goes by the
            URI alone, whatever lies there now.
        eval_data_sha256: the same for the evaluation source.
        dataset_name: names the data set in the object store.
        label_format: rec and det (ICDAR), list (PaddleOCR), or auto: found out from the file.
        max_bad_fraction: share of unusable lines at which to give up, 0 to 1.
    """
    from components.gen_label import step as gen_label
    from components.shared.pointer import write_pointer
    from components.shared.step import step
    from ocr_lib.atomic import write_text

    with step("gen_label") as work:
        train = gen_label.Source(f"{dataset_name}-train", train_data_uri, train_data_sha256)
        held_out = gen_label.Source(f"{dataset_name}-eval", eval_data_uri, eval_data_sha256)
        limits = label_format, max_bad_fraction
        train_pointer, train_report = gen_label.gen_label(train, work, *limits)
        eval_pointer, eval_report = gen_label.gen_label(held_out, work, *limits)
        write_pointer(train_labels, train_pointer)
        write_pointer(eval_labels, eval_pointer)
        reports = {train.name: train_report, held_out.name: eval_report}
        write_text(report.path, gen_label.labels_markdown(reports))
