"""Counts over the samples of a packed data set, for its manifest and report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

EXAMPLES = 10  # kept for each reason
HISTOGRAM_HEIGHT = HISTOGRAM_STEP = 32  # widths are counted as of lines 32 px high, in 32 px bins


@dataclass(slots=True)
class Dropped:
    """Samples left out for one reason; `examples` are the first, each `label list:line: cause`."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """Counts one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


@dataclass(slots=True)
class Statistics:
    """Counts over samples.

    Attributes:
        samples: packed.
        characters: character → occurrences in the labels.
        lengths: characters of a label → samples.
        widths: upper end in px of a 32 px bin, at height 32 → samples.
        dropped: reason → samples left out.
    """

    samples: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)
    dropped: dict[str, Dropped] = field(default_factory=dict)

    @property
    def dropped_samples(self) -> int:
        """Samples left out, over all reasons."""
        return sum(reason.count for reason in self.dropped.values())

    def merge(self, other: "Statistics") -> None:
        """Adds the counts of another shard; the first examples stay."""
        self.samples += other.samples
        self.characters.update(other.characters)
        self.lengths.update(other.lengths)
        self.widths.update(other.widths)
        for reason, more in other.dropped.items():
            dropped = self.dropped.setdefault(reason, Dropped())
            dropped.count += more.count
            dropped.examples = (dropped.examples + more.examples)[:EXAMPLES]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values, sorted, so that equal counts give equal bytes."""
        return {
            "samples": self.samples,
            "characters": dict(sorted(self.characters.items())),
            "label_lengths": {str(n): count for n, count in sorted(self.lengths.items())},
            "widths_at_height_32": {str(w): count for w, count in sorted(self.widths.items())},
            "dropped": {reason: asdict(self.dropped[reason]) for reason in sorted(self.dropped)},
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """Rebuilds what `to_dict` returned.

        Raises:
            LookupError, TypeError, ValueError: it is something else.
        """
        lengths, widths = _counts(value["label_lengths"]), _counts(value["widths_at_height_32"])
        return cls(
            _count(value["samples"]),
            _counts(value["characters"]),
            Counter({int(n): count for n, count in lengths.items()}),
            Counter({int(w): count for w, count in widths.items()}),
            {reason: _dropped(counts) for reason, counts in value["dropped"].items()},
        )


def _counts(value: dict[str, Any]) -> Counter[str]:
    return Counter({name: _count(count) for name, count in value.items()})


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no number of samples")
    return value


def _dropped(value: dict[str, Any]) -> Dropped:
    examples = value["examples"]
    if not isinstance(examples, list) or not all(isinstance(text, str) for text in examples):
        raise ValueError("the examples are no list of texts")
    return Dropped(_count(value["count"]), examples)


def count_samples(
    table: NDArray[Any], labels: Sequence[str], dropped: dict[str, Dropped]
) -> Statistics:
    """Counts over the packed samples of a shard.

    Args:
        table: its samples.npy.
        labels: of the same samples.
        dropped: the samples left out.
    """
    widths = np.ceil(HISTOGRAM_HEIGHT * table["width"] / table["height"]).astype(np.int64)
    bins = -(-widths // HISTOGRAM_STEP) * HISTOGRAM_STEP
    values, counts = np.unique(bins, return_counts=True)
    return Statistics(
        len(table),
        Counter("".join(labels)),
        Counter(map(len, labels)),
        Counter(dict(zip(values.tolist(), counts.tolist(), strict=True))),
        dropped,
    )
