"""The preflight of a configuration: everything that data alone can tell about a run to be."""

from array import array
from collections.abc import Iterator

from ocr_lib.config.blocks import SplitConfig
from ocr_lib.config.characters import dictionary_messages, made_of_labels, trained_dictionary
from ocr_lib.config.schema import Config
from ocr_lib.data.concat import every_label
from ocr_lib.data.dataset import open_dataset
from ocr_lib.data.image import Preprocess
from ocr_lib.data.preflight.label_table import LabelTable
from ocr_lib.data.preflight.machine import machine_findings, machine_numbers
from ocr_lib.data.preflight.overlap import contradictions, leakage
from ocr_lib.data.preflight.report import EXAMPLES, Finding, Numbers, PreflightReport
from ocr_lib.data.preflight.split import MeasuredSplit, findings, measure, numbers
from ocr_lib.data.roles import NOT_TRAIN, NOT_VALIDATION
from ocr_lib.errors import DictionaryError, UserError


def preflight(
    config: Config, *, max_bad_fraction: float = 0.01, max_leak_share: float = 0.01
) -> PreflightReport:
    """Checks labels, images and machine against what the configuration will do with them.

    Args:
        config: a `Config`.
        max_bad_fraction: of a split's samples, as a fraction of 1: more that fail one check stop
            the run, fewer are a warning.
        max_leak_share: of the validation images, as a fraction of 1: more that are training
            images too stop the run.

    Returns:
        The verdict. Data that cannot be opened is a problem in it, not an error.

    Raises:
        ConfigError, DictionaryError: the configuration's dictionary or image shape is wrong.
    """
    preprocess = Preprocess.from_config(config)
    all_findings: list[Finding] = []
    figures: Numbers = {}
    blocks = {"train": config.train}
    if config.eval.dataset.named:
        blocks["validation"] = config.eval
    else:
        all_findings.append(_without_validation())
    all_findings += _dictionary_findings(config)
    opened = {name: _open(name, block, all_findings) for name, block in blocks.items()}
    splits = {name: split for name, split in opened.items() if split is not None}
    if "train" in splits or not made_of_labels(config):
        labels = every_label(splits["train"].dataset) if "train" in splits else ()
        dictionary = trained_dictionary(config, labels)
        for name, split in splits.items():
            measure(split, config, dictionary, preprocess)
            all_findings += findings(split, config, preprocess, max_bad_fraction)
            all_findings += contradictions(split, max_bad_fraction)
            figures[name] = numbers(split, dictionary)
    if len(splits) == 2:
        all_findings += leakage(splits["train"], splits["validation"], max_leak_share)
        all_findings += _unseen(splits["train"], splits["validation"])
    figures["machine"] = machine_numbers(config)
    all_findings += machine_findings(config, figures["machine"])
    return PreflightReport(
        tuple(finding for finding in all_findings if finding.blocking),
        tuple(finding for finding in all_findings if not finding.blocking),
        figures,
    )


def _open(name: str, block: SplitConfig, all_findings: list[Finding]) -> MeasuredSplit | None:
    """Opens a split; what hinders that becomes a finding."""
    try:
        dataset = open_dataset(block, NOT_TRAIN if name == "train" else NOT_VALIDATION)
        split = MeasuredSplit(name, dataset, LabelTable(dataset.labels()))
    except UserError as error:
        all_findings.append(
            Finding(name, f"{error.where}: {error.cause}", error.fix, blocking=True)
        )
        return None
    if not split.labels:
        all_findings.append(
            Finding(name, "there are no samples", "Check the labels", blocking=True)
        )
        return None
    return split


def _dictionary_findings(config: Config) -> Iterator[Finding]:
    """Yields what is wrong with the dictionary, whatever the labels."""
    try:
        messages = dictionary_messages(config)
    except DictionaryError as error:
        if not error.where.rpartition(":")[2].isdigit():  # the file cannot be read at all
            raise
        yield Finding("dictionary", f"{error.where}: {error.cause}", error.fix, blocking=True)
        return
    if messages:
        cause = f"{len(messages)} remarks on {config.global_.character_dict_path}"
        fix = "See `ocr dictionary show`; nothing to do where the labels have none of them"
        yield Finding("dictionary", cause, fix, tuple(messages[:EXAMPLES]))


def _without_validation() -> Finding:
    return Finding(
        "validation",
        "there is no validation set: the result will be the last checkpoint",
        "Name one in Eval.dataset to choose a checkpoint by",
    )


def _unseen(train: MeasuredSplit, validation: MeasuredSplit) -> Iterator[Finding]:
    """Yields whether validation asks for characters that training never shows."""
    unseen = set(validation.characters) - set(train.characters)
    if unseen:
        labels = enumerate(validation.labels)
        indices = array("q", (i for i, label in labels if unseen & set(label)))
        share = len(indices) / len(validation.labels)
        yield Finding(
            "train and validation",
            f"{len(indices):,} validation labels ({share:.2%}) have characters that no training "
            f"label has: {' '.join(sorted(unseen))}",
            "Add training samples with them",
            tuple(validation.examples(indices)),
        )
