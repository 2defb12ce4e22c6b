"""`ocr gate` and `ocr gate-rates`: the decision on a candidate, and how often it would err."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from ocr_lib.atomic import write_text
from ocr_lib.errors import ConfigError
from ocr_lib.evaluation.report import EvalReport
from ocr_lib.gate import PROOFS, Thresholds, decide
from ocr_lib.gate.selection import CHOSEN_ON, CheckpointSelection, refusals_after_selection
from ocr_lib.gate.simulation import Scenario, refusals
from ocr_lib.terminal import echo
from pipelines.cli.command import as_one, command, option
from pipelines.cli.options import fraction, input_file, output_file, real_number, seed, whole_number


def with_thresholds(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for each threshold; `read_thresholds` checks their values."""
    for field in reversed(fields(Thresholds)):
        proof = field.name == "proof"
        function = option(
            f"--{field.name.replace('_', '-')}",
            type=click.Choice(PROOFS) if proof else type(field.default),
            default=field.default,
            metavar=None if proof else "X",
            heading="Thresholds",
        )(function)
    return function


def read_thresholds(values: dict[str, Any]) -> Thresholds:
    """Returns the thresholds among a command's options, which it takes out.

    Raises:
        ConfigError: a value is out of its bounds.
    """
    try:
        return Thresholds.from_dict({f.name: values.pop(f.name) for f in fields(Thresholds)})
    except ConfigError as error:
        name = f"--{error.where.rpartition('.')[2].replace('_', '-')}"
        raise ConfigError(name, error.cause, error.fix) from None


@command("gate")
@click.argument("candidate", type=input_file, help="report of the new model")
@option("--champion", type=input_file, help="report of the serving model on the same lines")
@option("--html", "html_file", type=output_file, help="write verdict and report, for people")
@option("--json", "as_json", is_flag=True, help="print the verdict as JSON")
@with_thresholds
def gate(
    candidate: Path, champion: Path | None, html_file: Path | None, as_json: bool, **limits: Any
) -> None:
    """Decide whether a candidate may serve, from evaluation reports of `ocr eval --json`.

    It is held against thresholds, and against the serving model's report on the same lines.

    A refusal is a result, not an error: the exit code is 0 and the verdict says no.

    Examples:
      ocr gate candidate.json --min-accuracy 0.9
      ocr gate candidate.json --champion champion.json --html verdict.html
    """
    report = EvalReport.load(candidate)
    former = EvalReport.load(champion) if champion else None
    verdict = decide(report, former, read_thresholds(limits))
    if as_json:
        echo(json.dumps(verdict.to_dict(), indent=2))
    else:
        for reason in verdict.reasons:
            echo(f"{'pass' if reason.passed else 'FAIL'}  {reason.name:<20}{reason.words}")
        echo("accepted" if verdict.passed else "refused")
    if html_file:
        from ocr_lib.report import html

        write_text(html_file, html(report, verdict, former))


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates that `ocr gate-rates` simulates.

    Attributes:
        samples: evaluated lines, one scenario each.
        difference: true accuracies minus the serving model's, one scenario each.
        accuracy: of the serving model.
        disagreement: fraction of lines on which exactly one of the two is right.
        checkpoints: of which the candidate is the best; None for a candidate that is no choice.
        correlation: of two checkpoints being right on a sample.
        validation_samples: of the set that chooses.
    """

    samples: tuple[int, ...]
    difference: tuple[float, ...]
    accuracy: float
    disagreement: float
    checkpoints: int | None
    correlation: float
    validation_samples: int

    def scenarios(self) -> list[Scenario]:
        """Returns each number of samples with each difference.

        Raises:
            ConfigError: no two models differ like this.
        """
        try:
            return [
                Scenario(
                    samples=samples,
                    accuracy=self.accuracy,
                    difference=difference,
                    disagreement=self.disagreement,
                )
                for samples in self.samples
                for difference in self.difference
            ]
        except ValueError as error:
            fix = "Let --disagreement reach the difference, and the gains fit beside --accuracy"
            raise ConfigError("--difference", str(error), fix) from None

    def selections(self) -> list[CheckpointSelection | None]:
        """Returns the ways to choose a checkpoint; None for a candidate that is no choice.

        Raises:
            ConfigError: a number cannot be simulated.
        """
        if self.checkpoints is None:
            return [None]
        try:
            return [
                CheckpointSelection(
                    chosen_on=chosen_on,
                    checkpoints=self.checkpoints,
                    correlation=self.correlation,
                    validation_samples=self.validation_samples,
                )
                for chosen_on in CHOSEN_ON
            ]
        except ValueError as error:
            raise ConfigError("--checkpoints", str(error), "Correct the number") from None


with_candidates = as_one(
    "candidates",
    Candidates,
    option(
        "--samples",
        type=whole_number(1, 10_000_000),
        several=True,
        default=[500, 2000, 10000],
        metavar="N ...",
        help="evaluated lines",
    ),
    option(
        "--difference",
        type=real_number(-1, 1),
        several=True,
        default=[0.01, 0.0, -0.01, -0.02, -0.03],
        metavar="X ...",
        help="candidate's true accuracy minus the serving model's",
    ),
    option("--accuracy", type=fraction, default=0.9, help="of the serving model"),
    option("--disagreement", type=fraction, default=0.06, help="share of lines"),
    option(
        "--checkpoints",
        type=whole_number(1, 10_000),
        help="evaluations of a training to choose the best from",
    ),
    option(
        "--correlation",
        type=fraction,
        default=0.8,
        help="of two checkpoints being right on a sample",
    ),
    option(
        "--validation-samples",
        type=whole_number(1, 1_000_000),
        default=400,
        help="of the validation set that chooses",
    ),
)


@command("gate-rates")
@with_candidates
@option("--draws", type=whole_number(1, 1_000_000), default=1000, help="candidates of each kind")
@option("--seed", type=seed, default=7, help="equal seeds, equal candidates")
@option("--json", "as_json", is_flag=True, help="print one JSON object a line")
@with_thresholds
def gate_rates(candidates: Candidates, draws: int, seed: int, as_json: bool, **limits: Any) -> None:
    """Simulate candidates whose true difference from the serving model is known.

    Counts how many the gate refuses, by reason. It tells how many lines an evaluation set needs
    before the gate can tell such candidates apart.

    With --checkpoints the candidate is the best of several, chosen on the test set, as it should
    not be, and on a validation set: what that does to these rates.

    --disagreement is the share of lines on which exactly one of the two models is right; a
    verdict's "paired test" row shows it for two real models.

    Examples:
      ocr gate-rates
      ocr gate-rates --samples 500 5000 --difference 0 -0.02 --proof "no worse"
      ocr gate-rates --draws 200 --json
      ocr gate-rates --samples 2000 --difference 0 --proof better --checkpoints 4
    """
    thresholds = read_thresholds(limits)
    scenarios, selections = candidates.scenarios(), candidates.selections()
    if not as_json:
        chosen = f"  {'chosen on':<18}" if candidates.checkpoints else ""
        head = f"{'lines':>7} {'difference':>10}{chosen} {'refused':>8}"
        echo(f"{head}  by reason, of {draws} draws")
    show = _json if as_json else _row
    for scenario in scenarios:
        for selection in selections:
            counts = _refusals(scenario, selection, thresholds, draws, seed)
            echo(show(scenario, selection, counts, draws))


def _refusals(
    scenario: Scenario,
    selection: CheckpointSelection | None,
    limits: Thresholds,
    draws: int,
    seed: int,
) -> Counter[str]:
    if selection is None:
        return refusals(scenario, limits, draws, seed, quiet=False)
    try:
        return refusals_after_selection(scenario, selection, limits, draws, seed, quiet=False)
    except ValueError as error:
        fix = "Give a larger --correlation or --disagreement"
        raise ConfigError("--correlation", str(error), fix) from None


def _json(
    scenario: Scenario, selection: CheckpointSelection | None, counts: Counter[str], draws: int
) -> str:
    values: dict[str, Any] = {"samples": scenario.samples, "difference": scenario.difference}
    values["refused"] = counts.pop("refused")
    if selection:
        values["chosen_on"] = selection.chosen_on
    return json.dumps({**values, "draws": draws, "reasons": dict(counts)})


def _row(
    scenario: Scenario, selection: CheckpointSelection | None, counts: Counter[str], draws: int
) -> str:
    refused = counts.pop("refused") / draws
    reasons = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    on = f"  {selection.chosen_on:<18}" if selection else ""
    return f"{scenario.samples:>7} {scenario.difference:>+10.3f}{on} {refused:>8.1%}  {reasons}"
