"""Checks of one split: can the network say, reach and see what the labels ask for?"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.algorithms.ctc_steps import has_ctc, time_steps
from ocr_lib.algorithms.label_limit import label_limit
from ocr_lib.config.schema import Config
from ocr_lib.data.base import Dataset
from ocr_lib.data.decode import check_image
from ocr_lib.data.image import TALL, Preprocess
from ocr_lib.data.labels.placeholders import Placeholders
from ocr_lib.data.positions import Positions
from ocr_lib.data.preflight.report import EXAMPLES, Finding, Numbers, share_finding
from ocr_lib.errors import ConfigError, SingleColourError, UserError
from ocr_lib.progress import Progress
from ocr_lib.text.ctc import min_steps
from ocr_lib.text.dictionary import Charset
from ocr_lib.text.unicode_form import character_name

QUANTILES = {"p01": 0.01, "p05": 0.05, "median": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
SHOWN_CHARACTERS = 30
PLACEHOLDERS = Placeholders()
CHUNK = 1 << 16  # samples that are measured at a time
DECODED_IMAGES = 1000  # of a split, evenly spaced: decoding all of a large one would take hours


@dataclass
class MeasuredSplit:
    """One split and what was counted over it.

    Attributes:
        name: `train` or `validation`.
        dataset: its samples.
        labels: all of them.
        characters: in the labels → occurrences.
        bad: check → positions of the samples that fail it.
        unknown: characters outside the dictionary → labels that have them.
        lengths: int32 [N], characters of each label that the network says.
        widths: int32 [N], px that each image would take at the network's height.
        by_bucket: padded width in px → samples.
        decoded: images that were decoded.
    """

    name: str
    dataset: Dataset
    labels: Sequence[str]
    characters: Counter[str] = field(default_factory=Counter)
    bad: dict[str, "array[int]"] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    lengths: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    widths: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    by_bucket: Counter[int] = field(default_factory=Counter)
    decoded: int = 0

    def fail(self, check: str, i: int) -> None:
        """Notes that sample `i` fails a check."""
        self.bad.setdefault(check, array("q")).append(i)

    def examples(self, indices: Sequence[int]) -> list[str]:
        """Returns where the first samples come from, with their labels."""
        return [f"{self.place(i)}: {self.labels[i]!r}" for i in indices[:EXAMPLES]]

    def causes(self, indices: Sequence[int]) -> list[str]:
        """Returns where the first samples come from, and why their images cannot be read."""
        return [self._cause(i) for i in indices[:EXAMPLES]]

    def _cause(self, i: int) -> str:
        try:
            sample = self.dataset.sample(i)
            check_image(sample.image, sample.name)
        except UserError as error:
            return f"{error.where}: {error.cause}"
        return f"{sample.name}: {self.labels[i]!r}"

    def place(self, i: int) -> str:
        """Returns where sample `i` comes from."""
        try:
            return self.dataset.sample(i).name
        except UserError as error:
            return error.where


def measure(
    split: MeasuredSplit, config: Config, dictionary: Charset, preprocess: Preprocess
) -> None:
    """Counts over every label and size; fills the split's fields."""
    sizes, count = split.dataset.sizes, len(split.labels)
    readable = np.zeros(count, bool)
    split.widths, split.lengths = np.zeros(count, np.int32), np.zeros(count, np.int32)
    steps = _steps(config.architecture, preprocess, training=split.name == "train")
    limit, labels = label_limit(config).characters, iter(split.labels)
    with Progress(count, f"checking {split.name} labels", "labels") as progress:
        for start in range(0, count, CHUNK):
            rows = slice(start, min(start + CHUNK, count))
            usable = preprocess.turned_sizes(np.maximum(sizes[rows], 1))
            readable[rows] = sizes[rows].min(axis=1) > 0
            tall = (usable[:, 1] >= TALL * usable[:, 0]).tolist()
            widths = np.ceil(preprocess.height * (usable[:, 0] / usable[:, 1]))
            split.widths[rows] = np.minimum(widths, np.iinfo(np.int32).max)
            buckets = preprocess.buckets_of(usable)
            split.by_bucket.update(buckets.tolist())
            for i, width in enumerate(buckets.tolist(), start):
                label = next(labels)
                room = steps.get(width, len(label) * 2) if readable[i] else None
                if tall[i - start] and len(label) > 1:  # one letter may well be tall
                    split.fail("tall", i)
                split.lengths[i] = _measure_label(split, i, label, room, limit, dictionary)
                progress.add()
    split.bad["unreadable"] = array("q", np.flatnonzero(~readable).tobytes())
    _decode_some(split, Positions.of_mask(readable))


def _measure_label(
    split: MeasuredSplit,
    i: int,
    label: str,
    room: int | None,
    limit: int,
    dictionary: Charset,
) -> int:
    """Notes what is wrong with a label; returns how many characters the network says of it.

    Args:
        split: gets the notes.
        i: the sample's position.
        label: its label.
        room: CTC steps of its image; None where that cannot be read.
        limit: largest number of characters.
        dictionary: its characters.
    """
    unknown = dictionary.unknown(label)
    if unknown:
        split.fail("unknown", i)
        split.unknown.update(list(dict.fromkeys(unknown)))
    if label in PLACEHOLDERS:
        split.fail("placeholder", i)
    if dictionary.is_reordered(label):
        split.fail("reordered", i)
    ids = dictionary.encode(label)
    if not ids:
        if room is not None:  # a record that cannot be read has no label either: one fault
            split.fail("empty", i)
    elif len(ids) > limit:
        split.fail("long", i)
    elif room is not None and min_steps(ids) > room:
        split.fail("steps", i)
    split.characters.update(label)
    return len(ids)


def _decode_some(split: MeasuredSplit, readable: Positions) -> None:
    """Decodes some of the images whose headers can be read."""
    split.decoded = min(len(readable), DECODED_IMAGES)
    chosen = np.linspace(0, len(readable) - 1, split.decoded).round().astype(np.int64)
    for i in (readable[k] for k in chosen.tolist()):
        try:
            sample = split.dataset.sample(i)
            check_image(sample.image, sample.name)
        except SingleColourError:
            split.fail("single_colour", i)
        except UserError:
            split.fail("damaged", i)


def findings(
    split: MeasuredSplit, config: Config, preprocess: Preprocess, max_share: float
) -> Iterator[Finding]:
    """Yields what is wrong with the split's samples."""
    total, bad, limit = len(split.labels), split.bad, label_limit(config)
    checks = (
        ("unreadable", "images cannot be read",
         "Correct or convert them; of a packed data set run `ocr fsck`, or pack it again"),
        ("unknown", f"labels have characters outside the dictionary: {_shown(split.unknown)}",
         "Extend Global.character_dict_path, set Global.use_space_char, or correct the labels"),
        ("placeholder", "labels are placeholders in place of a text", "Remove their lines"),
        ("empty", "labels are empty, or nothing is left of them", "Remove their lines"),
        ("long", f"labels are longer than {limit.characters} characters",
         f"{limit.fix(_reach(split.lengths))} to keep 99 % of the labels"),
        ("steps", "labels need more CTC steps than the network has for their image",
         "Use a wider image_shape or width_buckets, or a network with more steps"),
    )  # fmt: skip
    for check, what, fix in checks:
        indices = bad.get(check, array("q"))
        examples = split.causes if check == "unreadable" else split.examples
        yield from share_finding(
            split.name, what, indices, total, max_share, fix, examples(indices)
        )
    for check, what, fix in (
        ("damaged", "decoded images are damaged", "Replace them or remove their lines"),
        ("single_colour", "decoded images have a single colour: there is nothing to read on them",
         "Replace them or remove their lines"),
    ):  # fmt: skip
        indices = bad.get(check, array("q"))
        examples = split.causes if check == "damaged" else split.examples
        yield from share_finding(
            split.name, what, indices, split.decoded, max_share, fix, examples(indices)
        )
    for check, what, fix in (
        ("tall", "images are taller than wide, so that their text is squeezed to a few px",
         "Where their text runs from top to bottom set Global.turn_tall_lines=true, which turns "
         "them in training and in prediction; else turn or remove the images"),
        ("reordered",
         "right-to-left labels have no unique order: their images can be read in several",
         "Write them as they are to be read back where that matters; scores compare in one order"),
    ):  # fmt: skip
        indices = bad.get(check, array("q"))
        for finding in share_finding(
            split.name, what, indices, total, max_share, fix, split.examples(indices)
        ):
            yield Finding(finding.check, finding.cause, finding.fix, finding.examples)
    squeezed = array("q", np.flatnonzero(split.widths > preprocess.buckets[-1]).tobytes())
    reach = _reach(split.widths)
    for finding in share_finding(
        split.name,
        f"images are squeezed to {preprocess.buckets[-1]} px",
        squeezed,
        total,
        max_share,
        f"Let Global.width_buckets reach {reach} px to keep the shape of 99 % of them",
        split.examples(squeezed),
    ):
        if finding.blocking:  # a few are no reason to worry, many none to stop
            yield Finding(finding.check, finding.cause, finding.fix, finding.examples)


def numbers(split: MeasuredSplit, dictionary: Charset) -> Numbers:
    """Returns the split's figures."""
    by_bucket = {str(width): count for width, count in sorted(split.by_bucket.items())}
    seen = {dictionary.text([i]) for c in split.characters for i in dictionary.encode(c)}
    return {
        "samples": len(split.labels),
        "characters": sum(split.characters.values()),
        "distinct_characters": len(split.characters),
        "dictionary_characters_never_seen": len(set(dictionary.characters) - seen),
        "label_length": _quantiles(split.lengths),
        "width_px": _quantiles(split.widths),
        "samples_by_width_bucket": by_bucket,
        "outside_dictionary": dict(split.unknown.most_common(SHOWN_CHARACTERS)),
    }


def _steps(
    architecture: Mapping[str, Any], preprocess: Preprocess, *, training: bool
) -> dict[int, int]:
    """Returns padded width → CTC steps; empty where the network has no CTC head or is not known."""
    try:
        if not has_ctc(architecture):
            return {}
        return {
            width: time_steps(architecture, width, training=training)
            for width in preprocess.buckets
        }
    except ConfigError:  # a network of the user's own
        return {}


def _shown(unknown: Counter[str]) -> str:
    return ", ".join(f"{character_name(c)} {n:,} x" for c, n in unknown.most_common(10))


def _reach(values: NDArray[np.int32]) -> int:
    return int(np.quantile(values, 0.99, method="higher")) if len(values) else 0


def _quantiles(values: NDArray[np.int32]) -> dict[str, int]:
    if not len(values):
        return {}
    return {name: int(np.quantile(values, q, method="nearest")) for name, q in QUANTILES.items()}
