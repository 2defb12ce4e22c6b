"""Every sample once, alike widths together, the same plan for the same seed and epoch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.loading.batches import Batch, plan_epoch, shard

widths = st.lists(st.sampled_from([64, 128, 256, 320]), min_size=1, max_size=200)


def plan(sample_widths, **options):
    sample_widths = np.array(sample_widths, np.int32)
    settings = {"batch_size": 8, "reference_width": 128, "seed": 1, "epoch": 1, **options}
    return plan_epoch(sample_widths, np.arange(len(sample_widths)), **settings)


@given(widths, st.booleans())
def test_every_sample_occurs_once_and_fits_its_batch(sample_widths, shuffle):
    batches = plan(sample_widths, shuffle=shuffle)
    assert sorted(i for b in batches for i in b.indices) == list(range(len(sample_widths)))
    assert all(sample_widths[i] <= b.width for b in batches for i in b.indices)


@given(widths)
def test_only_one_batch_is_smaller_than_its_width_allows(sample_widths):
    batches = plan(sample_widths)
    full = {w: min(8, 8 * 128 // w) for w in (64, 128, 256, 320)}
    assert sum(len(b.indices) < full[b.width] for b in batches) <= 1
    assert all(len(b.indices) <= full[b.width] for b in batches)


def test_the_seed_and_the_epoch_decide():
    sample_widths = [64, 128] * 40
    assert plan(sample_widths) == plan(sample_widths)
    assert plan(sample_widths) != plan(sample_widths, epoch=2)
    assert plan(sample_widths) != plan(sample_widths, seed=2)


@given(widths, st.integers(1, 5))
def test_ranks_share_all_batches_and_get_equally_many(sample_widths, world_size):
    batches = plan(sample_widths)
    parts = [shard(batches, rank, world_size) for rank in range(world_size)]
    assert len({len(part) for part in parts}) == 1
    assert {b for part in parts for b in part} == set(batches)


@given(widths)
def test_narrow_first_sorts_the_batches(sample_widths):
    batches = plan(sample_widths, narrow_first=True)
    assert [b.width for b in batches] == sorted(b.width for b in batches)


def plain_plan(sample_widths, order, rng, *, is_sorted, drop_last):
    """The same division without arrays: one tuple a batch."""
    batches, waiting = [], []
    for width in np.unique(sample_widths[order]).tolist():
        members = waiting + order[sample_widths[order] == width].tolist()
        size = max(1, min(8, 8 * 128 // width))
        full = len(members) // size * size
        batches += [Batch(width, tuple(members[i : i + size])) for i in range(0, full, size)]
        waiting = members[full:]
    if waiting and not (drop_last and batches):
        batches.append(Batch(width, tuple(waiting)))
    return batches if is_sorted else [batches[i] for i in rng.permutation(len(batches))]


@given(widths, st.booleans(), st.booleans(), st.booleans())
def test_arrays_hold_the_very_batches_of_a_plain_division(
    sample_widths, shuffle, narrow_first, drop_last
):
    options = {"shuffle": shuffle, "narrow_first": narrow_first, "drop_last": drop_last}
    rng, every = np.random.default_rng([1, 1]), np.arange(len(sample_widths))
    order = rng.permutation(every) if shuffle else every
    is_sorted = narrow_first or not shuffle
    expected = plain_plan(
        np.array(sample_widths), order, rng, is_sorted=is_sorted, drop_last=drop_last
    )
    batches = plan(sample_widths, **options)
    assert list(batches) == expected
    assert list(batches[1:]) == expected[1:]
    assert list(batches.by_width()) == sorted(expected, key=lambda batch: batch.width)
    assert batches.pixels == sum(batch.width * len(batch.indices) for batch in expected)
    world_size = 3
    for rank in range(world_size):
        rounds = range(-(-len(expected) // world_size))
        own = [expected[(i * world_size + rank) % len(expected)] for i in rounds]
        assert list(shard(batches, rank, world_size)) == own


def test_positions_of_32_bits_are_shuffled_as_those_of_64():
    sample_widths = np.tile([64, 128, 256], 4000).astype(np.int32)
    settings = {"batch_size": 8, "reference_width": 128, "seed": 5, "epoch": 2}
    every = np.arange(len(sample_widths))
    wide = plan_epoch(sample_widths, every, **settings)
    assert plan_epoch(sample_widths, every.astype(np.int32), **settings) == wide
