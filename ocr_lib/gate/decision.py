"""Whether a candidate may replace the champion: a pure decision with its reasons.

| reason | passes when |
| --- | --- |
| samples | the test set has at least `min_samples` lines |
| readable images | at most `max_unreadable_share` of them could not be decoded |
| leakage | no test image is a training or validation image (where that was looked at) |
| accuracy | exact lines (spaces counted) reach `min_accuracy` |
| norm_edit_dis | the normalised edit similarity reaches `min_norm_edit_dis` |
| space_f1 | the F1 of spaces reaches `min_space_f1`, where the labels have any |
| champion | there is none (first run), or it was evaluated on the same lines (digest) |
| accuracy drop | the candidate is at most `max_accuracy_drop` below the champion |
| paired test | the candidate's accuracy is not shown to be worse |
| proof | the candidate is shown to be no worse, or better, where `proof` asks for it |
| norm_edit_dis drop | not lower by more than `max_norm_edit_dis_drop`, beyond chance |
| cer rise | the character error rate not higher by more than `max_cer_rise`, beyond chance |
| space_f1 drop | the F1 of spaces not lower by more than `max_space_f1_drop`, beyond chance |
| slices | no slice's accuracy fell by more than `max_slice_drop`, beyond chance |
| characters | no character's recall fell by more than `max_recall_drop`, beyond chance |
| latency | a line takes at most `max_latency_ratio` times as long as with the champion |
| size | the network's file is at most `max_size_ratio` times as large |

The rows below `champion` exist only with a champion on the same lines, the last two only where
both were measured. All rows must pass.

Four things are tested against chance: the paired test, the three metrics together, the slices
together and the characters together. Each has a quarter of 1 - `confidence`, so all of them
refuse an equally good candidate in at most 1 - `confidence` of the verdicts. `accuracy drop`
compares plain figures: on few lines it refuses more, which is in favour of what serves.
"""

from collections.abc import Iterator

import numpy as np

from ocr_lib.evaluation.latency import LatencyAndSize
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate.checks import checks, cost_rows
from ocr_lib.gate.statistics import score_test, sign_test
from ocr_lib.gate.thresholds import Thresholds
from ocr_lib.gate.verdict import Check, Verdict


def decide(
    candidate: EvalReport,
    champion: EvalReport | None,
    thresholds: Thresholds,
    costs: LatencyAndSize | None = None,
) -> Verdict:
    """Decides whether `candidate` may serve.

    Args:
        candidate: the new model's evaluation.
        champion: the serving model's evaluation on the same lines; None on the first run, where
            only the thresholds decide.
        thresholds: what to hold it against.
        costs: time and size of both, where they were measured.
    """
    reasons = (
        *_against_thresholds(candidate, thresholds),
        *_against(champion, candidate, thresholds),
        *(cost_rows(costs, thresholds) if costs else ()),
    )
    return Verdict(all(reason.passed for reason in reasons), reasons)


def _against_thresholds(report: EvalReport, limits: Thresholds) -> Iterator[Check]:
    yield Check(
        "samples",
        report.samples >= limits.min_samples,
        report.samples,
        limits.min_samples,
        None,
        f"evaluated on {report.samples} lines, at least {limits.min_samples} are needed",
    )
    share = report.unreadable / max(report.samples, 1)
    yield Check(
        "readable images",
        share <= limits.max_unreadable_share,
        share,
        limits.max_unreadable_share,
        None,
        f"{report.unreadable} of {report.samples} images could not be decoded, "
        f"at most {limits.max_unreadable_share:.2%} may",
    )
    if report.leaked is not None:
        words = f"{report.leaked} of {report.samples} images are training images too, none may be"
        yield Check("leakage", report.leaked == 0, report.leaked, 0, None, words)
    yield _at_least("accuracy", "lines read exactly", report.accuracy, limits.min_accuracy)
    yield _at_least(
        "norm_edit_dis", "edit similarity", report.norm_edit_dis, limits.min_norm_edit_dis
    )
    if report.spaces.f1 is not None:
        yield _at_least("space_f1", "F1 of spaces", report.spaces.f1, limits.min_space_f1)


def _at_least(name: str, what: str, value: float, limit: float) -> Check:
    passed = value >= limit  # false for NaN
    words = f"{what}: {value:.4f}, {'at least' if passed else 'below the'} {limit:.4f} asked for"
    return Check(name, passed, value, limit, None, words)


def _against(
    champion: EvalReport | None, candidate: EvalReport, limits: Thresholds
) -> Iterator[Check]:
    if champion is None:
        words = "no model serves yet: the thresholds alone decide"
        yield Check("champion", True, None, None, None, words)
        return
    same = champion.dataset_digest == candidate.dataset_digest
    words = (
        "evaluated on the same lines as the serving model"
        if same
        else "the serving model was evaluated on other lines: evaluate it again on this set"
    )
    yield Check("champion", same, None, None, None, words)
    if same:
        yield _accuracy_drop(champion, candidate, limits)
        yield from _paired(champion, candidate, limits)
        yield from checks(candidate, champion, limits)


def _accuracy_drop(champion: EvalReport, candidate: EvalReport, limits: Thresholds) -> Check:
    floor = champion.accuracy - limits.max_accuracy_drop
    change = candidate.accuracy - champion.accuracy
    return Check(
        "accuracy drop",
        candidate.accuracy >= floor - 1e-12,  # 0.91 - 0.01 is not quite 0.90
        candidate.accuracy,
        floor,
        champion.accuracy,
        f"accuracy {change:+.4f} against the serving model's {champion.accuracy:.4f}, "
        f"a drop of {limits.max_accuracy_drop:.4f} is allowed",
    )


def _paired(champion: EvalReport, candidate: EvalReport, limits: Thresholds) -> Iterator[Check]:
    wins, losses = wins_and_losses(candidate, champion)
    chance = sign_test(wins, losses)
    passed = chance > limits.significance_level
    yield Check(
        "paired test",
        passed,
        chance,
        limits.significance_level,
        None,
        f"{wins} lines only the candidate reads, {losses} only the serving model: "
        + (
            f"no more than chance (p = {chance:.2g} > {limits.significance_level:.3g})"
            if passed
            else f"more than chance (p = {chance:.2g} ≤ {limits.significance_level:.3g})"
        ),
    )
    if limits.proof != "none":
        yield _proof(wins, losses, candidate.samples, limits)


def _proof(wins: int, losses: int, samples: int, limits: Thresholds) -> Check:
    allowed = 1.0 - limits.confidence
    if limits.proof == "better":
        chance, aim = sign_test(losses, wins), "better"
    else:
        margin = limits.max_accuracy_drop
        chance = score_test(wins, losses, samples, margin)
        aim = f"less than {margin:.4f} worse"
    passed = chance <= allowed
    words = (
        f"{'shown' if passed else 'not shown'} to be {aim} at {limits.confidence:.0%} confidence "
        f"(p = {chance:.2g})"
    )
    return Check("proof", passed, chance, allowed, None, words)


def wins_and_losses(candidate: EvalReport, champion: EvalReport) -> tuple[int, int]:
    """Returns how many lines only the candidate reads, and how many only the champion."""
    candidate_right, champion_right = (
        np.frombuffer(r.outcomes, np.uint8) > 0 for r in (candidate, champion)
    )
    return int((candidate_right & ~champion_right).sum()), int(
        (champion_right & ~candidate_right).sum()
    )
