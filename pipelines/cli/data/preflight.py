"""`ocr preflight`: does this data fit this configuration?"""

from pathlib import Path

from ocr_lib.atomic import write_json, write_text
from ocr_lib.data.preflight import preflight as check
from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.config_options import ConfigChoice, with_config
from pipelines.cli.options import fraction, max_bad_fraction, output_file


@command("preflight")
@with_config
@max_bad_fraction("fraction of the samples that may fail a check")
@option(
    "--max-leak-share",
    type=fraction,
    default=0.01,
    help="share of the validation images that may be training images",
)
@option("--report", type=output_file, help="write the report as Markdown")
@option("--json", "as_json", type=output_file, help="write the report as JSON")
def preflight(
    choice: ConfigChoice,
    max_bad_fraction: float,
    max_leak_share: float,
    report: Path | None,
    as_json: Path | None,
) -> int:
    """Check the data of a configuration before training.

    Unreadable images, characters outside the dictionary, labels that are too long for
    max_text_length or for the network's CTC steps, images that would be squeezed, validation images
    among the training images, equal images with different labels, room on the disk. Exits with 2
    where something stops the run.

    Examples:
      ocr preflight -c my.yml
      ocr preflight -c cpu_line -o Train.dataset.data_dir=data/train Eval.dataset.data_dir=data/eval
      ocr preflight -c my.yml --report preflight.md --json preflight.json
    """
    result = check(choice.read(), max_bad_fraction=max_bad_fraction, max_leak_share=max_leak_share)
    echo(result.text())
    if report:
        write_text(report, result.markdown())
    if as_json:
        write_json(as_json, result.to_dict())
    return 0 if result.passed else 2
