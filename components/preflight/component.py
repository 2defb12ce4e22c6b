"""Step 3: what would waste a training run is found before a GPU is asked for."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Output

from components.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def preflight(
    train_lmdb: Input[Dataset],
    eval_lmdb: Input[Dataset],
    report: Output[Markdown],
    config: str,
    config_overrides: list[str] = [],  # noqa: B006 (kfp reads the default, nobody changes it)
    max_bad_fraction: float = 0.01,
) -> None:
    """Checks the shards and how they fit the configuration; stops the run where they do not.

    Args:
        train_lmdb: pointer to the lines to learn from.
        eval_lmdb: pointer to the lines that decide.
        report: what was checked and found.
        config: a shipped configuration's name, or an `s3://` URI of a YAML file.
        config_overrides: `Key.sub=value` each.
        max_bad_fraction: share of lines the configuration cannot learn at which to stop, 0 to 1.
    """
    from components.preflight.step import preflight
    from components.shared.pointer import read_pointer
    from components.shared.step import step
    from ocr_lib.atomic import write_text

    with step("preflight") as work:
        data = read_pointer(train_lmdb), read_pointer(eval_lmdb)
        found = preflight(*data, config, config_overrides, max_bad_fraction, work)
        write_text(report.path, found)
