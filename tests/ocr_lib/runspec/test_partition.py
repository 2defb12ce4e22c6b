import json
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from ocr_lib.runspec.options import parse_options
from ocr_lib.runspec.partition import (
    CACHE_DAYS,
    DataPart,
    DataPartition,
    PreflightSettings,
    partitions_of,
    period_of,
    share_out,
)
from ocr_lib.runspec.spec import PinnedSource
from tests.ocr_lib.runspec.specs import config, spec

SIZES = st.lists(st.integers(0, 10**12), min_size=1, max_size=30)


def part(name: str, size: int) -> DataPart:
    source = PinnedSource(uri=name, digest="ab" * 32, of="listing", bytes=size)
    return DataPart(role="train", source=source)


@given(SIZES, st.integers(1, 20), st.floats(1, 1e12))
@example([0, 0, 3], 3, 1.0)
def test_every_part_has_a_pod_and_no_pod_is_idle(sizes: list[int], pods: int, per: float) -> None:
    parts = [part(str(i), size) for i, size in enumerate(sizes)]
    shares = share_out(parts, pods, per)
    assert sorted(p.source.uri for share in shares for p in share) == sorted(
        p.source.uri for p in parts
    )
    assert all(shares)
    assert len(shares) <= min(pods, len(parts))


def test_small_data_stay_together_and_large_ones_are_shared_out_evenly() -> None:
    parts = [part(str(i), 10) for i in range(8)]
    assert len(share_out(parts, 16, 1000)) == 1
    assert [len(share) for share in share_out(parts, 4, 10)] == [2, 2, 2, 2]


def as_kubeflow(values: object) -> object:
    """Returns JSON with every number as Kubeflow hands it on."""
    return json.loads(json.dumps(values), parse_int=float)


def test_a_partition_survives_kubeflow() -> None:
    (one,) = partitions_of(spec())
    assert [p.role for p in one.parts] == ["train", "train", "test"]
    assert DataPartition.from_dict(as_kubeflow(one.to_dict())) == one  # type: ignore[arg-type]
    settings = PreflightSettings.of(spec())
    assert PreflightSettings.from_dict(as_kubeflow(settings.to_dict())) == settings  # type: ignore[arg-type]


def test_cached_steps_are_told_the_same_where_their_work_is_the_same() -> None:
    """What they are told is in a cache's key: no more of the spec may be in it."""
    other = replace(
        spec(),
        images={},
        model_name="other",
        train_backend="local",
        train_workers=1,
        triton_urls=(),
        pretrained=None,
        options=parse_options({"train_job": {"retries": 7}}),
    )
    assert other.digest != spec().digest
    assert partitions_of(other) == partitions_of(spec())
    assert PreflightSettings.of(other) == PreflightSettings.of(spec())
    elsewhere = replace(spec(), config=config("Global.epoch_num=9"))
    assert partitions_of(elsewhere) == partitions_of(spec())
    assert PreflightSettings.of(elsewhere) != PreflightSettings.of(spec())
    split = replace(spec(), options=parse_options({"split": {"seed": 3}}))
    assert partitions_of(split) != partitions_of(spec())


def test_a_new_period_makes_cached_steps_run_again() -> None:
    """Kubeflow's cache has no end: only other parameters make a step look at its data again."""
    day = 86_400.0
    assert period_of(CACHE_DAYS * day - 1) == 0
    assert period_of(CACHE_DAYS * day) == 1
    assert partitions_of(spec(), 1) != partitions_of(spec(), 2)
    assert PreflightSettings.of(spec(), 1) != PreflightSettings.of(spec(), 2)
    (one,) = partitions_of(spec(), 7)
    assert DataPartition.from_dict(as_kubeflow(one.to_dict())).cache_period == 7  # type: ignore[arg-type]
