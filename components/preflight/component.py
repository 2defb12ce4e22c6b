"""Step 4: what would waste a training run is found before a GPU is asked for."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def preflight(
    shards: Input[list[Dataset]],
    train_lmdb: Output[Dataset],
    eval_lmdb: Output[Dataset],
    report: Output[Markdown],
    config: str,
    config_overrides: list[str] = [],  # noqa: B006 (kfp reads the default, nobody changes it)
    max_bad_fraction: float = 0.01,
    evaluate_max_pods: int = 1,
) -> list[dict[str, Any]]:
    """Joins the packed parts and checks how they fit the configuration; stops the run if need be.

    Args:
        shards: pointers to the packed parts, a list a pod.
        train_lmdb: pointer to the lines to learn from.
        eval_lmdb: pointer to the lines that decide.
        report: what was checked and found.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        config_overrides: `Key.sub=value` each.
        max_bad_fraction: share of lines the configuration cannot learn at which to stop, 0 to 1.
        evaluate_max_pods: at most so many pods read the lines that decide.

    Returns:
        The lines that decide, shared out among these pods: {"first": …, "last": …} each.
    """
    from components.preflight.join import join
    from components.preflight.step import preflight, share_out
    from components.shared.pointer import read_pointers, write_pointer
    from components.shared.step import step
    from ocr_lib.atomic import write_text

    with step("preflight") as work:
        packed = [pointer for artifact in shards for pointer in read_pointers(artifact)]
        data = join(packed, "train", work / "joins"), join(packed, "eval", work / "joins-eval")
        found = preflight(*data, config, config_overrides, max_bad_fraction, work)
        write_pointer(train_lmdb, data[0])
        write_pointer(eval_lmdb, data[1])
        write_text(report.path, found)
        return share_out(data[1], evaluate_max_pods)
