"""`ocr gate-rates`: how often the gate would err with these thresholds."""

import argparse
import json
from collections import Counter

from ocr_lib.errors import ConfigError
from ocr_lib.gate import Thresholds
from ocr_lib.gate.selection import CHOSEN_ON, CheckpointSelection, refusals_after_selection
from ocr_lib.gate.simulation import Scenario, refusals
from ocr_lib.terminal import echo
from pipelines.cli.model.arguments import fraction, real_number, seed, whole_number
from pipelines.cli.model.threshold_options import add_threshold_options, read_thresholds

DESCRIPTION = """\
Simulate candidates whose true difference from the serving model is known, and
count how many the gate refuses, by reason. It tells how many lines an evaluation
set needs before the gate can tell such candidates apart.

With --checkpoints the candidate is the best of several, chosen on the test set,
as it should not be, and on a validation set: what that does to these rates.

--disagreement is the share of lines on which exactly one of the two models is
right; a verdict's "paired test" row shows it for two real models."""
EXAMPLES = """\
  ocr gate-rates
  ocr gate-rates --samples 500 5000 --difference 0 -0.02 --proof "no worse"
  ocr gate-rates --draws 200 --json
  ocr gate-rates --samples 2000 --difference 0 --proof better --checkpoints 4"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument(
        "--samples",
        type=whole_number(1, 10_000_000),
        nargs="+",
        default=[500, 2000, 10000],
        help="evaluated lines",
    )
    parser.add_argument(
        "--difference",
        type=real_number(-1, 1),
        nargs="+",
        default=[0.01, 0.0, -0.01, -0.02, -0.03],
        help="candidate's true accuracy minus the serving model's",
    )
    parser.add_argument("--accuracy", type=fraction, default=0.9, help="of the serving model")
    parser.add_argument("--disagreement", type=fraction, default=0.06, help="share of lines")
    parser.add_argument(
        "--checkpoints",
        type=whole_number(1, 10_000),
        help="evaluations of a training to choose the best from",
    )
    parser.add_argument(
        "--correlation",
        type=fraction,
        default=0.8,
        help="of two checkpoints being right on a sample (default: %(default)s)",
    )
    parser.add_argument(
        "--validation-samples",
        type=whole_number(1, 1_000_000),
        default=400,
        help="of the validation set that chooses (default: %(default)s)",
    )
    parser.add_argument(
        "--draws", type=whole_number(1, 1_000_000), default=1000, help="candidates of each kind"
    )
    parser.add_argument("--seed", type=seed, default=7, help="equal seeds, equal candidates")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_threshold_options(parser)


def run(args: argparse.Namespace) -> int:
    """Simulates and prints a table."""
    limits = read_thresholds(args)
    kinds = [_scenario(args, n, d) for n in args.samples for d in args.difference]
    selections = _selections(args)
    if not args.json:
        chosen = f"  {'chosen on':<18}" if args.checkpoints else ""
        head = f"{'lines':>7} {'difference':>10}{chosen} {'refused':>8}"
        echo(f"{head}  by reason, of {args.draws} draws")
    for kind in kinds:
        for selection in selections:
            _print(args, kind, selection, _refusals(args, kind, selection, limits))
    return 0


def _selections(args: argparse.Namespace) -> list[CheckpointSelection | None]:
    """Returns the ways to choose a checkpoint; None for a candidate that is no choice."""
    if args.checkpoints is None:
        return [None]
    numbers = {
        "checkpoints": args.checkpoints,
        "correlation": args.correlation,
        "validation_samples": args.validation_samples,
    }
    try:
        return [CheckpointSelection(chosen_on=chosen_on, **numbers) for chosen_on in CHOSEN_ON]
    except ValueError as error:
        raise ConfigError("--checkpoints", str(error), "Correct the number") from None


def _refusals(
    args: argparse.Namespace,
    kind: Scenario,
    selection: CheckpointSelection | None,
    limits: Thresholds,
) -> Counter[str]:
    if selection is None:
        return refusals(kind, limits, args.draws, args.seed, quiet=False)
    try:
        return refusals_after_selection(kind, selection, limits, args.draws, args.seed, quiet=False)
    except ValueError as error:
        fix = "Give a larger --correlation or --disagreement"
        raise ConfigError("--correlation", str(error), fix) from None


def _print(
    args: argparse.Namespace,
    kind: Scenario,
    selection: CheckpointSelection | None,
    found: Counter[str],
) -> None:
    refused = found.pop("refused")
    if args.json:
        values = {"samples": kind.samples, "difference": kind.difference, "refused": refused}
        chosen = {"chosen_on": selection.chosen_on} if selection else {}
        echo(json.dumps({**values, **chosen, "draws": args.draws, "reasons": dict(found)}))
        return
    reasons = ", ".join(f"{name} {count}" for name, count in found.most_common())
    on = f"  {selection.chosen_on:<18}" if selection else ""
    share = refused / args.draws
    echo(f"{kind.samples:>7} {kind.difference:>+10.3f}{on} {share:>8.1%}  {reasons}")


def _scenario(args: argparse.Namespace, samples: int, difference: float) -> Scenario:
    if args.draws < 1:
        raise ConfigError("--draws", f"{args.draws} is less than 1", "Ask for at least one")
    try:
        return Scenario(
            samples=samples,
            accuracy=args.accuracy,
            difference=difference,
            disagreement=args.disagreement,
        )
    except ValueError as error:
        fix = "Let --disagreement reach the difference, and the gains fit beside --accuracy"
        raise ConfigError("--difference", str(error), fix) from None
