"""Sums of slices in blocks of neighbouring samples."""

import json
import zlib

import pytest

from ocr_lib.evaluation.block_counts import (
    BLOCKS,
    FIELDS,
    WHOLE,
    BlockCounter,
    BlockCounts,
    block_metrics,
)
from tests.ocr_lib.tallied import tallied


def test_many_lines_share_blocks_and_keep_their_sums() -> None:
    lines = 3 * BLOCKS + 5
    counter = BlockCounter(lines)
    row = counter.row(("class", "odd"))
    values = [(1, i % 2, 0, 0, 5, 0, 0, 0) for i in range(lines)]
    members = [[row] if i % 2 else [] for i in range(lines)]
    for start in range(0, lines, 1000):
        counter.add(values[start : start + 1000], members[start : start + 1000])
    cells = counter.cells()
    assert cells.blocks == BLOCKS
    counts = cells.counts
    samples = counts[:, FIELDS.index("samples")]
    assert samples.sum(axis=1).tolist() == [lines, lines // 2]
    assert set(samples[0].tolist()) == {3, 4}
    assert BlockCounts.from_dict(json.loads(json.dumps(cells.to_dict()))) == cells
    assert block_metrics(counter.sums()[WHOLE])[0] == pytest.approx(0.5, abs=1e-3)


def test_a_report_does_not_grow_with_the_lines() -> None:
    """Four times the lines, hardly more bytes: what remains is one bit a line."""
    sizes = []
    for lines in (4 * BLOCKS, 16 * BLOCKS):
        truths = [f"a{i % 10}b {'C' * (i % 7)}" for i in range(lines)]
        texts = [truth.replace("b", "d") if i % 9 == 0 else truth for i, truth in enumerate(truths)]
        values = tallied(truths, texts).to_dict()
        sizes.append(len(json.dumps({k: v for k, v in values.items() if k != "outcomes"})))
    assert sizes[1] < 1.3 * sizes[0] < 260_000


@pytest.mark.parametrize("damage", ["", "eJwDAAAAAAE=", "bm8gemxpYg=="])
def test_sums_of_another_size_are_refused(damage: str) -> None:
    values = BlockCounter(1).cells().to_dict() | {"sums": damage}
    with pytest.raises((ValueError, zlib.error)):
        BlockCounts.from_dict(values)
