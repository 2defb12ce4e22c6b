"""What is counted by character: how often each is read, and what is read in its place."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from unicodedata import name

from rapidfuzz.distance import Levenshtein

MAX_CONFUSIONS = 50_000  # pairs held while counting; beyond it the rare half is forgotten
SHOWN_CONFUSIONS = 40
CJK = {"CJK": "Han", "IDEOGRAPHIC": "Han"}  # first words of Unicode names that say no script


@dataclass(frozen=True, slots=True)
class Recall:
    """How often one character of the labels was read.

    Attributes:
        count: occurrences in the labels.
        hits: occurrences that were read as themselves, by alignment with the label.
        lines: samples whose label has it.
        line_hits: samples in which every occurrence was read.
    """

    count: int
    hits: int
    lines: int
    line_hits: int

    @property
    def recall(self) -> float:
        """Share of the occurrences that were read."""
        return self.hits / self.count


@dataclass(frozen=True, slots=True)
class Confusion:
    """What was read in place of what; empty means nothing (a lost or an added character)."""

    truth: str
    read: str
    count: int


class CharacterCounter:
    """Counts characters over samples; correct samples cost almost nothing."""

    def __init__(self) -> None:
        self._right: list[str] = []
        self._count: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        self._line_missed: Counter[str] = Counter()
        self._confusions: Counter[tuple[str, str]] = Counter()

    def add_right(self, truth: str) -> None:
        """Counts a sample that was read exactly."""
        self._right.append(truth)

    def add_wrong(self, truth: str, text: str, readable: bool) -> int:
        """Counts a sample that was not; returns how many spaces of the truth were read.

        Args:
            truth: the label.
            text: what was read.
            readable: whether the image was; if not, nothing was confused with anything.
        """
        missed = []
        for step in Levenshtein.editops(truth, text):
            lost = "" if step.tag == "insert" else truth[step.src_pos]
            if lost:
                missed.append(lost)
            if readable:
                read = "" if step.tag == "delete" else text[step.dest_pos]
                self._confusions[lost, read] += 1
        self._count.update(truth)
        self._lines.update(set(truth))
        self._missed.update(missed)
        self._line_missed.update(set(missed))
        if len(self._confusions) > MAX_CONFUSIONS:
            self._confusions = Counter(dict(self._confusions.most_common(MAX_CONFUSIONS // 2)))
        return truth.count(" ") - missed.count(" ")

    def flush(self) -> None:
        """Counts the exact samples that were held back."""
        self._count.update("".join(self._right))
        self._lines.update(chain.from_iterable(map(set, self._right)))
        self._right.clear()

    def recalls(self) -> dict[str, Recall]:
        """Returns the counts of every character of the labels, in the order of code points."""
        self.flush()
        return {
            character: Recall(
                count,
                count - self._missed[character],
                self._lines[character],
                self._lines[character] - self._line_missed[character],
            )
            for character, count in sorted(self._count.items())
        }

    def confusions(self) -> tuple[Confusion, ...]:
        """Returns the most frequent confusions, most frequent first."""
        ranked = sorted(self._confusions.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Confusion(*pair, count) for pair, count in ranked[:SHOWN_CONFUSIONS])


class Kinds(dict[str, tuple[tuple[str, str], ...]]):
    """Character → the slices of samples that it puts a sample into; filled when first asked."""

    def __missing__(self, character: str) -> tuple[tuple[str, str], ...]:
        kinds = self[character] = tuple(_kinds(character))
        return kinds

    def of(self, label: str) -> frozenset[tuple[str, str]]:
        """Returns the slices of a label."""
        return frozenset(chain.from_iterable(map(self.__getitem__, set(label))))


def _kinds(character: str) -> Iterator[tuple[str, str]]:
    if character.isalpha():
        yield "class", "letters"
        yield "script", script(character)
    elif character.isnumeric():
        yield "class", "digits"
    elif character.isspace():
        yield "class", "spaces"
    else:
        yield "class", "punctuation"
    if character.isupper():
        yield "class", "upper case"
    elif character.islower():
        yield "class", "lower case"


def script(letter: str) -> str:
    """Returns a letter's script, by the first word of its Unicode name."""
    first = name(letter, "UNKNOWN").partition(" ")[0]
    return CJK.get(first, first.capitalize())


def source_of(sample: str) -> str:
    """Returns where a sample comes from: its label list, or its image's folder."""
    place, colon, number = sample.rpartition(":")
    if colon and number.isdigit():
        return place
    return sample.rpartition("/")[0] or "."
