"""`ocr eval`: how well a trained network or an exported model reads the Eval set."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ocr_lib.config.schema import Config
from ocr_lib.data.dataset import open_dataset
from ocr_lib.evaluation.leaks import leaks as find_leaks
from ocr_lib.evaluation.metrics import RecMetric
from ocr_lib.evaluation.predict import evenly_spaced, predict
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.evaluation.score import score
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.terminal import echo, printable
from pipelines.cli.command import command, option
from pipelines.cli.config_options import ConfigChoice, trained_recognizer, with_config
from pipelines.cli.options import count, input_folder, output_file


@command("eval")
@with_config
@option("--bundle", type=input_folder, help="evaluate this exported model")
@option("--limit", type=count, help="number of samples to evaluate, evenly spread")
@option("--leaks", is_flag=True, help="count Eval images that are Train images too")
@option("--json", "json_file", type=output_file, help="write the report, for `ocr gate`")
@option("--html", "html_file", type=output_file, help="write the report, for people")
def evaluate_model(
    choice: ConfigChoice,
    bundle: Path | None,
    limit: int | None,
    leaks: bool,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Evaluate on the configuration's Eval set.

    Prints PaddleOCR's metric lines, then the accuracy with spaces counted, the character error rate
    and slices by label length.

    The network is a checkpoint (Global.checkpoints or pretrained_model, else best_accuracy in
    Global.save_model_dir) or, with --bundle, an exported model. Every line counts: an unreadable
    image is a wrong line, never another one.

    Examples:
      ocr eval -c runs/a/config.yml
      ocr eval -c runs/a/config.yml -o Global.checkpoints=runs/a/latest --json report.json
      ocr eval -c runs/a/config.yml --bundle build/bundle --html report.html
    """
    config = choice.read()
    recognizer = open_bundle(bundle) if bundle else None
    dataset = open_dataset(config.eval)
    recognizer = recognizer or trained_recognizer(config)[0]
    indices = evenly_spaced(len(dataset), limit)
    report = score(predict(recognizer, dataset, indices), dataset)
    if leaks:
        report = replace(report, leaked=len(find_leaks(open_dataset(config.train), dataset)))
    _print_paddleocr(report, config)
    _print_own(report)
    if json_file:
        report.save(json_file)
    if html_file:
        from ocr_lib.atomic import write_text
        from ocr_lib.report import html

        write_text(html_file, html(report))


def _print_paddleocr(report: EvalReport, config: Config) -> None:
    """Prints what PaddleOCR's eval prints, so that scripts that read it read this."""
    suffix = RecMetric.of(config.metric).suffix
    values = {name: report.paddleocr[name + suffix] for name in ("acc", "norm_edit_dis")}
    values["fps"] = report.samples / max(report.seconds, 1e-9)
    stamp = f"[{datetime.now():%Y/%m/%d %H:%M:%S}] ppocr INFO:"
    echo(f"{stamp} metric eval ***************")
    for name, value in values.items():
        echo(f"{stamp} {name}:{value}")


def _print_own(report: EvalReport) -> None:
    echo(
        f"accuracy {report.accuracy:.4f}, norm_edit_dis {report.norm_edit_dis:.4f}, "
        f"character errors {report.cer:.2%} on {report.samples} lines, spaces counted"
    )
    if report.spaces.f1 is not None:
        echo(f"F1 of spaces {report.spaces.f1:.4f}")
    if report.leaked:
        echo(f"{report.leaked} images are training images too: these figures prove nothing")
    if report.out_of_dictionary:
        echo(f"{report.out_of_dictionary} labels have characters outside the dictionary")
    for error in report.errors:
        echo(f"unreadable: {printable(error)}")
    echo("length    lines  accuracy  norm_edit_dis")
    for part in report.by_length:
        echo(f"{part.name:<8}{part.samples:>7}{part.accuracy:>10.4f}{part.norm_edit_dis:>15.4f}")
