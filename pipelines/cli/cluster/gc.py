"""`ocr gc`: deletes what nothing in the object store needs any more."""

import json
from collections.abc import Sequence
from pathlib import Path

from ocr_lib.registry.garbage_collection import (
    Decision,
    collect_garbage,
    find_expired,
    store_time,
    totals,
)
from ocr_lib.registry.retention import RetentionPolicy, load_policy
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo
from pipelines.cli.command import command, option
from pipelines.cli.options import input_file
from pipelines.cli.server_options import STORE_HELP

UNITS = ("B", "kB", "MB", "GB", "TB")


@command("gc", epilog=STORE_HELP)
@option("--delete", is_flag=True, help="delete; without it nothing is deleted")
@option("--policy", "policy_file", type=input_file, help="retention policy (default: as shown)")
@option("--show-policy", is_flag=True, help="print the policy and end")
@option("--json", "as_json", is_flag=True, help="print every item, as JSON")
def gc(delete: bool, policy_file: Path | None, show_policy: bool, as_json: bool) -> None:
    """Show what has expired in the object store, and delete it with --delete.

    What a kept version needs stays, however old it is: its bundle, run, run spec, data sets,
    predictions and champion. So do the inputs of runs in use, decisions, and by default sources.

    Examples:
      ocr gc
      ocr gc --show-policy > retention.yml
      ocr gc --policy retention.yml --json
      ocr gc --policy retention.yml --delete
    """
    policy = load_policy(policy_file) if policy_file else RetentionPolicy()
    if show_policy:
        echo(policy.to_yaml().rstrip("\n"))
        return
    store = Store.from_env()
    now = store_time(store)
    find = collect_garbage if delete else find_expired
    decisions = find(store, policy, now)
    if as_json:
        items = [decision.to_dict() for decision in decisions]
        echo(json.dumps({"deleted": delete, "items": items}, ensure_ascii=False, indent=2))
        return
    echo("\n".join(_table(decisions, "deleted" if delete else "expired")))
    if not delete and any(decision.expired for decision in decisions):
        echo("nothing was deleted; give --delete to delete what has expired")


def _table(decisions: Sequence[Decision], expired: str) -> list[str]:
    rows = [("kind", "state", "items", "objects", "size", "reason")]
    for total in totals(decisions):
        counts = f"{total.items:,}", f"{total.objects:,}", _size(total.bytes)
        rows.append((total.kind, expired if total.expired else "kept", *counts, total.reason))
    if len(rows) == 1:
        return ["nothing has expired" if expired == "deleted" else "there is nothing in the store"]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if 2 <= number <= 4 else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _size(count: float) -> str:
    """Returns a number of bytes in the largest unit that leaves it at 1 or more."""
    power = 0
    while count >= 1000 and power < len(UNITS) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.1f} {UNITS[power]}" if power else f"{count:.0f} B"
