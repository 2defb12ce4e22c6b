"""The decision's rows on spaces, slices, characters, leakage and costs, each alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_lib.errors import ConfigError, DictionaryError
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import Check, LatencyAndSize, Thresholds, Verdict, decide
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.barcode import DICTIONARY, PREPROCESS, network
from tests.ocr_lib.evaluated import evaluate
from tests.ocr_lib.memory_dataset import drawn
from tests.ocr_lib.tallied import tallied

TRUTHS = [f"{'abcdefgh'[i % 8]}b {'12345'[i % 5]}{'X' * (i % 3 == 0)}" for i in range(240)]
Change = Callable[[int, str], str | None]

# Everything allowed but what the paired test refuses; a test narrows one budget.
BUDGETS = (
    "max_accuracy_drop",
    "max_norm_edit_dis_drop",
    "max_cer_rise",
    "max_space_f1_drop",
    "max_slice_drop",
    "max_recall_drop",
)
FREE = dict.fromkeys(BUDGETS, 1.0)


def reading(change: Change) -> EvalReport:
    """Returns the report of a model that reads every line as `change` makes it."""
    return tallied(TRUTHS, [change(i, truth) for i, truth in enumerate(TRUTHS)])


def exactly(i: int, truth: str) -> str:
    return truth


def without_spaces(i: int, truth: str) -> str:
    return truth.replace(" ", "")


def without_e(i: int, truth: str) -> str:
    return truth.replace("e", "c")


def without_capitals(i: int, truth: str) -> str:
    return truth.lower()


def one_in_twelve(i: int, truth: str) -> str:
    return truth if i % 12 else truth + "."


PERFECT = reading(exactly)


def failed(verdict: Verdict) -> list[str]:
    return [reason.name for reason in verdict.reasons if not reason.passed]


def row(verdict: Verdict, name: str) -> Check:
    return next(reason for reason in verdict.reasons if reason.name == name)


# budget, candidate, rows that fail beside the paired test
TABLE = [
    ({}, exactly, []),
    ({}, without_spaces, []),
    ({"max_space_f1_drop": 0.02}, without_spaces, ["space_f1 drop"]),
    ({"max_space_f1_drop": 0.02}, without_e, []),
    ({"max_norm_edit_dis_drop": 0.01}, without_spaces, ["norm_edit_dis drop"]),
    ({"max_cer_rise": 0.01}, without_spaces, ["cer rise"]),
    ({"max_recall_drop": 0.05}, without_e, ["characters"]),
    ({"max_recall_drop": 0.05}, one_in_twelve, []),  # adds a character, loses none
    ({"max_recall_drop": 0.05, "min_character_lines": 31}, without_e, []),  # e is in 30 lines
    ({"max_slice_drop": 0.5}, without_capitals, ["slices"]),
    ({"max_slice_drop": 0.5, "min_slice_samples": 90}, without_capitals, []),  # X is in 80 lines
    ({"max_slice_drop": 0.05}, exactly, []),
]


@pytest.mark.parametrize(("budget", "change", "rows"), TABLE)
def test_decision(budget: dict[str, float], change: Change, rows: list[str]) -> None:
    limits = Thresholds.from_dict({**FREE, **budget})
    verdict = decide(reading(change), PERFECT, limits)
    assert [name for name in failed(verdict) if name != "paired test"] == rows
    assert "paired test" in failed(verdict) or change is exactly


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_loss_that_may_be_chance_is_let_pass(lines: int) -> None:
    """Three lines of thirty with an e: recall fell by a tenth, but so it may by accident."""
    lost = {i for i, truth in enumerate(TRUTHS) if "e" in truth and i < 8 * lines}
    candidate = reading(lambda i, truth: without_e(i, truth) if i in lost else truth)
    assert len(lost) == lines
    assert decide(candidate, PERFECT, Thresholds(max_accuracy_drop=0.05)).passed


def test_rows_name_what_fell() -> None:
    limits = Thresholds.from_dict({**FREE, "max_recall_drop": 0.05, "max_slice_drop": 0.05})
    forgetful = decide(reading(without_e), PERFECT, limits)
    words = "recall fell by more than 0.0500 for 'e': 0.0000 after 1.0000"
    assert row(forgetful, "characters").words == words
    lower = decide(reading(without_capitals), PERFECT, limits)
    assert "class upper case: 0.0000 after 1.0000" in row(lower, "slices").words


@pytest.mark.parametrize(("floor", "passed"), [(0.0, True), (0.5, False)])
def test_spaces_have_a_floor_on_the_first_run_too(floor: float, passed: bool) -> None:
    verdict = decide(reading(without_spaces), None, Thresholds(min_space_f1=floor))
    assert row(verdict, "space_f1").passed is passed


def test_labels_without_spaces_have_no_space_rows() -> None:
    report = tallied(["abc"] * 200, ["abc"] * 200)
    verdict = decide(report, report, Thresholds(min_space_f1=1.0))
    assert verdict.passed
    assert not [reason for reason in verdict.reasons if reason.name.startswith("space")]


@pytest.mark.parametrize(("leaked", "rows"), [(None, []), (0, []), (1, ["leakage"])])
def test_leakage(leaked: int | None, rows: list[str]) -> None:
    assert failed(decide(replace(PERFECT, leaked=leaked), None, Thresholds())) == rows


@pytest.mark.parametrize(
    ("costs", "rows"),
    [
        (LatencyAndSize(10.0, 10.0, 100, 100), []),
        (LatencyAndSize(15.0, 10.0, 200, 100), []),  # exactly at both limits
        (LatencyAndSize(15.1, 10.0, 100, 100), ["latency"]),
        (LatencyAndSize(1.0, 10.0, 201, 100), ["size"]),
    ],
)
def test_costs(costs: LatencyAndSize, rows: list[str]) -> None:
    assert failed(decide(PERFECT, PERFECT, Thresholds(), costs)) == rows


def test_a_report_of_an_older_version_is_compared_as_far_as_it_goes() -> None:
    old = replace(PERFECT, cells=None, characters={})
    verdict = decide(reading(without_e), old, Thresholds())
    assert failed(verdict) == ["accuracy drop", "paired test"]
    assert "older version" in row(verdict, "slices").words


def test_slices_of_other_lines_are_not_compared() -> None:
    """The champion has other width buckets: those of the same name hold other lines."""
    assert PERFECT.cells is not None
    keys = tuple(
        ("width", {"64": "128", "128": "64"}[name]) if dimension == "width" else (dimension, name)
        for dimension, name in PERFECT.cells.slices
    )
    other = replace(PERFECT, cells=replace(PERFECT.cells, slices=keys))
    looked = [
        row(decide(PERFECT, champion, Thresholds()), "slices").words
        for champion in (PERFECT, other)
    ]
    assert looked[0] != looked[1]


@pytest.mark.parametrize(("proof", "rows"), [("none", []), ("no worse", []), ("better", ["proof"])])
def test_an_equal_candidate_and_the_burden_of_proof(proof: str, rows: list[str]) -> None:
    assert failed(decide(PERFECT, PERFECT, Thresholds(proof=proof, max_accuracy_drop=0.05))) == rows


def test_few_lines_prove_nothing() -> None:
    few = tallied(TRUTHS[:20], TRUTHS[:20])
    verdict = decide(few, few, Thresholds(proof="no worse", min_samples=10))
    assert failed(verdict) == ["proof"]


def test_an_unknown_proof_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"proof: is surely.* Known: none, no worse, better"):
        Thresholds(proof="surely")


class TestModelsThatMustNotServe:
    """What computes flawlessly and reads wrongly is for the gate to refuse, and it does."""

    LINES = drawn([f"{'abcdef'[i % 6]}{'123'[i % 3]} {'fed'[i % 3]}" for i in range(120)])

    def verdict(self, reader: Recognizer) -> list[str]:
        champion = Recognizer(PREPROCESS, DICTIONARY, network)
        reports = [evaluate(model, self.LINES) for model in (reader, champion)]
        return failed(decide(*reports, Thresholds()))

    def test_the_champion_itself_passes(self) -> None:
        assert self.verdict(Recognizer(PREPROCESS, DICTIONARY, network)) == []

    def test_random_weights(self) -> None:
        rng = np.random.Generator(np.random.PCG64(1))

        def untrained(batch: NDArray[np.float32]) -> NDArray[np.float32]:
            return rng.dirichlet(np.ones(11), network(batch).shape[:2]).astype(np.float32)

        rows = self.verdict(Recognizer(PREPROCESS, DICTIONARY, untrained))
        assert {"accuracy drop", "paired test", "cer rise", "slices", "characters"} <= set(rows)

    def test_a_dictionary_in_another_order(self) -> None:
        other = Charset(DICTIONARY.characters[::-1], lower=False)
        rows = self.verdict(Recognizer(PREPROCESS, other, network))
        assert {"accuracy drop", "paired test", "characters"} <= set(rows)

    def test_a_dictionary_of_another_length(self) -> None:
        shorter = Charset(DICTIONARY.characters[:-1], lower=False)
        with pytest.raises(DictionaryError, match="classes"):
            self.verdict(Recognizer(PREPROCESS, shorter, network))
