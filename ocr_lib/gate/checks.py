"""What a candidate may lose against the champion: by metric, slice and character, and in cost.

A loss counts when it is beyond its budget and beyond chance. The tests of one row share its risk
(Bonferroni): with forty slices, each is tested forty times as strictly.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ocr_lib.evaluation.block_counts import FIELDS, METRICS, WHOLE, BlockCounts, Key, block_metrics
from ocr_lib.evaluation.latency import LatencyAndSize
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate.statistics import fewer_hits, randomisation_test, sign_test
from ocr_lib.gate.thresholds import Thresholds
from ocr_lib.gate.verdict import Check

NAMED = 5  # slices or characters that a sentence names

Counts = NDArray[np.int64]


def checks(candidate: EvalReport, champion: EvalReport, limits: Thresholds) -> Iterator[Check]:
    """Yields the rows that compare sums by block; one row that says so where a report has none."""
    if candidate.cells is None or champion.cells is None:
        words = (
            "a report of an older version has no sums by slice and character: spaces, slices and "
            "characters are not compared"
        )
        yield Check("slices", True, None, None, None, words)
        return
    shared = dict(shared_slices(candidate.cells, champion.cells))
    if WHOLE in shared:
        yield from _metrics(*shared[WHOLE], limits)
    yield _slices(shared, limits)
    yield _characters(candidate, champion, limits)


def shared_slices(
    candidate: BlockCounts, champion: BlockCounts
) -> Iterator[tuple[Key, tuple[Counts, Counts]]]:
    """Yields the slices of both with their sums [fields, blocks], where they hold the same lines.

    Two models may have other width buckets: slices of other lines do not stand side by side.
    """
    if candidate.blocks != champion.blocks:
        return
    candidate_counts, champion_counts = candidate.counts, champion.counts
    rows = {key: row for row, key in enumerate(champion.slices)}
    samples = FIELDS.index("samples")
    for row, key in enumerate(candidate.slices):
        other = rows.get(key)
        if other is not None and np.array_equal(
            candidate_counts[row, samples], champion_counts[other, samples]
        ):
            yield key, (candidate_counts[row], champion_counts[other])


def _metrics(
    candidate_counts: Counts, champion_counts: Counts, limits: Thresholds
) -> Iterator[Check]:
    chances = randomisation_test(candidate_counts, champion_counts)
    candidate = block_metrics(candidate_counts.sum(axis=1))
    champion = block_metrics(champion_counts.sum(axis=1))
    rows = (
        ("norm_edit_dis drop", "norm_edit_dis", "edit similarity", limits.max_norm_edit_dis_drop),
        ("cer rise", "cer", "character error rate", limits.max_cer_rise),
        ("space_f1 drop", "space_f1", "F1 of spaces", limits.max_space_f1_drop),
    )
    rows_used = [row for row in rows if np.isfinite(champion[METRICS.index(row[1])])]
    for name, metric, what, budget in rows_used:
        column = METRICS.index(metric)
        value, reference, chance = candidate[column], champion[column], float(chances[column])
        sign = -1.0 if metric == "cer" else 1.0
        beyond = not sign * (reference - value) <= budget + 1e-12  # true for NaN
        passed = not (beyond and chance <= limits.significance_level / len(rows_used))
        words = (
            f"{what} {value - reference:+.4f} against the serving model's {reference:.4f} "
            f"(p = {chance:.2g}), {budget:.4f} is allowed"
        )
        yield Check(
            name, passed, float(value), float(reference - sign * budget), float(reference), words
        )


def _slices(shared: dict[Key, tuple[Counts, Counts]], limits: Thresholds) -> Check:
    samples, correct = FIELDS.index("samples"), FIELDS.index("correct")
    looked = {
        key: (candidate[correct] - champion[correct], int(champion[correct].sum()), total)
        for key, (candidate, champion) in shared.items()
        if key != WHOLE and (total := int(champion[samples].sum())) >= limits.min_slice_samples
    }
    risk = limits.significance_level / max(len(looked), 1)
    fallen = []
    for (dimension, name), (gain, served, total) in looked.items():
        drop = -int(gain.sum()) / total
        if drop <= limits.max_slice_drop + 1e-12:
            continue
        chance = sign_test(int((gain > 0).sum()), int((gain < 0).sum()))
        if chance <= risk:
            words = f"{dimension} {name}: {served / total - drop:.4f} after {served / total:.4f}"
            fallen.append((drop, words))
    allowed = f"more than {limits.max_slice_drop:.4f}"
    none = (
        f"in none of {len(looked)} slices of at least {limits.min_slice_samples} lines did "
        f"the accuracy fall by {allowed} beyond chance"
    )
    some = f"accuracy fell by {allowed} in"
    return _fell("slices", fallen, limits.max_slice_drop, none, some)


def _characters(candidate: EvalReport, champion: EvalReport, limits: Thresholds) -> Check:
    pairs = {
        character: (candidate.characters[character], old)
        for character, old in champion.characters.items()
        if character in candidate.characters and old.lines >= limits.min_character_lines
    }
    risk = limits.significance_level / max(len(pairs), 1)
    fallen = []
    for character, (new, old) in pairs.items():
        drop = old.recall - new.recall
        if drop <= limits.max_recall_drop + 1e-12:
            continue
        chance = fewer_hits(
            new.line_hits,
            new.lines,
            old.line_hits,
            old.lines,
        )
        if chance <= risk:
            words = f"{character!r}: {new.recall:.4f} after {old.recall:.4f}"
            fallen.append((drop, words))
    allowed = f"more than {limits.max_recall_drop:.4f}"
    none = (
        f"for none of {len(pairs)} characters in at least {limits.min_character_lines} lines "
        f"did the recall fall by {allowed} beyond chance"
    )
    some = f"recall fell by {allowed} for"
    return _fell("characters", fallen, limits.max_recall_drop, none, some)


def _fell(
    name: str, fallen: list[tuple[float, str]], allowed: float, none: str, some: str
) -> Check:
    """Returns the row that names what fell, the furthest first."""
    worst_first = sorted(fallen, reverse=True)
    if not worst_first:
        return Check(name, True, None, allowed, None, none)
    words = f"{some} {_named([words for _, words in worst_first])}"
    return Check(name, False, worst_first[0][0], allowed, None, words)


def _named(parts: list[str]) -> str:
    more = f", and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
    return ", ".join(parts[:NAMED]) + more


def cost_rows(costs: LatencyAndSize, limits: Thresholds) -> Iterator[Check]:
    """Yields the rows of time and size."""
    yield Check(
        "latency",
        costs.latency_ratio <= limits.max_latency_ratio,
        costs.latency_ms,
        costs.champion_latency_ms * limits.max_latency_ratio,
        costs.champion_latency_ms,
        f"{costs.latency_ms:.1f} ms a line, {costs.latency_ratio:.2f} times the serving model's "
        f"{costs.champion_latency_ms:.1f} ms, measured in turn on one machine; "
        f"{limits.max_latency_ratio:g} times is allowed",
    )
    yield Check(
        "size",
        costs.size_ratio <= limits.max_size_ratio,
        costs.size_bytes,
        costs.champion_size_bytes * limits.max_size_ratio,
        costs.champion_size_bytes,
        f"{costs.size_bytes / 1e6:.1f} MB, {costs.size_ratio:.2f} times the serving model's "
        f"{costs.champion_size_bytes / 1e6:.1f} MB; {limits.max_size_ratio:g} times is allowed",
    )
