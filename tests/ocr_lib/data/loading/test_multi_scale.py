"""Batches of several sizes: PaddleOCR's sizes and numbers, every sample, the same plan again."""

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.config.schema import ComponentConfig, DatasetConfig, SplitConfig
from ocr_lib.data.loading.multi_scale import MultiScale
from ocr_lib.errors import ConfigError
from ocr_lib.training import train
from tests.ocr_lib.training.line_data import make_lines, small_config
from tests.ocr_lib.training.test_run import assert_equal_runs

SCALES = [[320, 32], [320, 48], [320, 64]]
PPOCRV4 = {"scales": SCALES, "first_bs": 12, "fix_bs": False, "divided_factor": [8, 16]}


def multi_scale(ds_width: bool = False, **args: Any) -> MultiScale:
    sampler = ComponentConfig("MultiScaleSampler", {**PPOCRV4, **args})
    dataset = DatasetConfig(name="MultiScaleDataSet", ds_width=ds_width)
    found = MultiScale.of(SplitConfig(dataset=dataset, sampler=sampler))
    assert found is not None
    return found


def sizes_of(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(10, 700, count), rng.integers(16, 64, count)], 1).astype(np.int32)


@given(st.integers(1, 200), st.booleans(), st.integers(0, 9))
def test_every_sample_occurs_and_the_plan_repeats(count: int, ds_width: bool, epoch: int) -> None:
    scales, sizes = multi_scale(ds_width), sizes_of(count)
    plan = scales.plan(sizes, np.arange(count), seed=1, epoch=epoch)
    assert {i for batch in plan for i in batch.indices} == set(range(count))
    assert plan == scales.plan(sizes, np.arange(count), seed=1, epoch=epoch)
    known = scales.image_sizes()
    assert all((batch.height, batch.width) in known for batch in plan)


def test_epochs_differ() -> None:
    scales, sizes = multi_scale(), sizes_of(60)
    first, second = (scales.plan(sizes, np.arange(60), 1, epoch) for epoch in (1, 2))
    assert first != second


@given(st.integers(1, 200), st.sampled_from([32, 48, 64]))
def test_with_ds_width_no_line_is_squeezed_below_the_widest_allowed(count: int, h: int) -> None:
    scales, sizes = multi_scale(ds_width=True, scales=[[320, h]]), sizes_of(count)
    least = scales.least_widths(sizes)
    for batch in scales.plan(sizes, np.arange(count), 1, 1):
        assert batch.width <= 480 + h
        assert all(least[i] <= batch.width for i in batch.indices)


@pytest.fixture(scope="module")
def sampler_of_paddleocr() -> Any:
    wheel = importlib.util.find_spec("paddleocr")
    if wheel is None or wheel.origin is None:
        pytest.skip("paddleocr is not installed")
    path = Path(wheel.origin).parent / "ppocr/data/multi_scale_sampler.py"
    fake = ModuleType("paddle"), ModuleType("paddle.io"), ModuleType("paddle.distributed")
    fake[1].Sampler = object  # type: ignore[attr-defined]
    fake[2].get_world_size = lambda: 1  # type: ignore[attr-defined]
    fake[2].get_rank = lambda: 0  # type: ignore[attr-defined]
    fake[0].distributed, fake[0].io = fake[2], fake[1]  # type: ignore[attr-defined]
    real = {name: sys.modules.get(name) for name in ("paddle", "paddle.io", "paddle.distributed")}
    sys.modules |= {module.__name__: module for module in fake}
    try:
        spec = importlib.util.spec_from_file_location("wheel_sampler", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name, value in real.items():
            if value is None:
                del sys.modules[name]
            else:
                sys.modules[name] = value
    return module.MultiScaleSampler


@pytest.mark.parametrize("count", [40, 41, 97])
@pytest.mark.parametrize("fix_bs", [True, False])
def test_sizes_and_numbers_are_those_of_paddleocr(
    sampler_of_paddleocr: Any, count: int, fix_bs: bool
) -> None:
    source = SimpleNamespace(
        data_idx_order_list=list(range(count)), ds_width=False, seed=1, __len__=lambda: count
    )
    source = type("Source", (), {**vars(source), "__len__": lambda _: count})()
    random.seed(0)
    args = {**PPOCRV4, "fix_bs": fix_bs, "scales": [*SCALES, [100, 50]]}
    theirs = sampler_of_paddleocr(source, **args)
    assert sorted(theirs.img_batch_pairs) == sorted(multi_scale(**args).batch_sizes)
    ours = multi_scale(**args).plan(sizes_of(count), np.arange(count), 1, 1)
    full = {(w, h): n for w, h, n in multi_scale(**args).batch_sizes}
    assert all(len(b.indices) == min(count, full[b.width, b.height]) for b in ours)


@pytest.mark.parametrize(
    ("args", "key"),
    [
        ({"scales": [[320]]}, "scales"),
        ({"scales": [[4, 32]]}, "divided_factor"),
        ({"first_bs": 0}, "first_bs"),
    ],
)
def test_mistakes_are_named(args: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as error:
        multi_scale(**args)
    assert error.value.where == f"SplitConfig.sampler.{key}"


@pytest.mark.slow
def test_a_run_at_three_heights_is_the_same_with_workers(tmp_path: Path) -> None:
    data = make_lines(tmp_path / "train", 40, seed=1), make_lines(tmp_path / "eval", 10, seed=2)
    keys: dict[str, object] = {
        "Train.sampler": "{name: MultiScaleSampler, scales: [[128, 32], [128, 48], [64, 32]], "
        "first_bs: 6, fix_bs: false}",
        "Architecture.Backbone": "{name: PPLCNetV3, scale: 0.1}",
        "Architecture.Neck": "{name: SequenceEncoder, encoder_type: reshape}",
        "Train.dataset.transforms": "[DecodeImage: {}, RecConAug: {prob: 0.5, "
        "image_shape: [32, 128, 3]}, RecAug: {}]",
        "Global.epoch_num": 1,
    }
    for workers in (0, 2):
        keys["Train.loader.num_workers"] = workers
        result = train(small_config(*data, tmp_path / str(workers), **keys), quiet=True)
        assert result.steps == 6
    assert_equal_runs(tmp_path / "0", tmp_path / "2")
