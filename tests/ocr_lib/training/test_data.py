"""The data of a run: which batches a rank gets, dummy batches, and the validation set."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ocr_lib.data.dataset import open_dataset
from ocr_lib.data.lmdb_store import pack
from ocr_lib.errors import DataError, LmdbError
from ocr_lib.training import data as training_data
from ocr_lib.training.data import DataLoaders, build_data, open_validation
from ocr_lib.training.log import PeerLog, RunLog
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import resolve
from tests.ocr_lib.training.line_data import make_lines, small_config

Data = tuple[Path, Path]


class Rank(Parallel):
    """One of several processes, as far as the division of batches knows them."""

    def __init__(self, rank: int, world_size: int) -> None:
        self.rank = rank
        self.world_size = world_size


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 30, seed=1), make_lines(root / "eval", 12, seed=2)


def build(data: Data, parallel: Parallel | None = None, **keys: object) -> DataLoaders:
    plan = resolve(small_config(*data, data[0].parent / "run", **keys))
    return build_data(plan, PeerLog(), parallel or Parallel())


def test_an_epoch_has_every_sample_once_and_is_always_the_same(data: Data) -> None:
    with closing(build(data)) as loaders:
        first, again, second = (loaders.train.plan_epoch(epoch) for epoch in (1, 1, 2))
        assert first == again != second
        for plan in (first, second):
            assert sorted(i for batch in plan for i in batch.indices) == list(range(30))
        assert loaders.train.sample_count == 30


def test_ranks_divide_the_batches_of_an_epoch(data: Data) -> None:
    with (
        closing(build(data)) as whole,
        closing(build(data, Rank(0, 2))) as first,
        closing(build(data, Rank(1, 2))) as second,
    ):
        batches = whole.train.plan_epoch(1)
        dealt = first.train.plan_epoch(1), second.train.plan_epoch(1)
        assert len(dealt[0]) == len(dealt[1]) == -(-len(batches) // 2)
        assert {*dealt[0], *dealt[1]} == set(batches)
        assert first.train.digest == second.train.digest == whole.train.digest


def test_a_ratio_draws_other_samples_in_each_epoch(data: Data) -> None:
    with closing(build(data, **{"Train.dataset.ratio_list": "[0.5]"})) as loaders:
        digests = []
        for epoch in (1, 2, 1):
            loaders.train.plan_epoch(epoch)
            digests.append(loaders.train.digest)
        assert loaders.train.sample_count == 15
    assert digests[0] == digests[2]


def test_loaded_batches_follow_the_plan(data: Data) -> None:
    with closing(build(data)) as loaders:
        batches = loaders.train.plan_epoch(1)
        for batch, loaded in zip(batches, loaders.train.load(batches, 1), strict=True):
            assert loaded.arrays["image"].shape == (len(batch.indices), 1, 32, batch.width)
            assert len(loaded.labels) == len(batch.indices)


def test_a_dummy_batch_is_one_that_can_be_read(data: Data, tmp_path: Path) -> None:
    with closing(build(data)) as loaders:
        assert loaders.train.dummy_batch(1).labels
    (tmp_path / "labels.txt").write_text("gone.png\t1\n", encoding="utf-8")
    keys = {
        "Train.dataset.name": "SimpleDataSet",
        "Train.dataset.data_dir": tmp_path,
        "Train.dataset.label_file_list": f"[{tmp_path / 'labels.txt'}]",
    }
    with (
        closing(build(data, **keys)) as unreadable,
        pytest.raises(DataError, match="no batch has a readable line"),
    ):
        unreadable.train.dummy_batch(1)


def test_the_characters_are_those_of_the_labels_where_asked_for(data: Data) -> None:
    with closing(build(data, **{"Global.character_dict_path": "labels"})) as loaders:
        assert "".join(loaders.charset.characters) == "0123456789"


def test_without_an_eval_block_there_is_no_validation_set(data: Data) -> None:
    with closing(build(data, **{"Eval.dataset.name": "SimpleDataSet"})) as loaders:
        assert loaders.validation is None


def test_of_a_large_validation_set_the_lowest_hashes_are_read(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_data, "MAX_READ", 5)
    plan = resolve(small_config(*data, tmp_path / "run"))
    with closing(RunLog(tmp_path / "log", quiet=True)) as log:
        selected = open_validation(plan, log)
        log.open()
    assert selected is not None
    keys = sorted(open_dataset(plan.config.eval).checksums.tolist())
    assert len(selected) == 5
    assert set(selected.checksums.tolist()) < set(keys)
    assert list(selected.labels()) == [selected.sample(i).label for i in range(5)]
    said = "5 of 12 validation samples are read: the lowest hashes"
    assert said in (tmp_path / "log/train.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("block", "role"), [("Train", "validation"), ("Train", "test"), ("Eval", "test")]
)
def test_a_set_of_another_role_is_refused(
    data: Data, tmp_path: Path, block: str, role: str
) -> None:
    lines = data[0].parent
    pack(lines / "labels.txt", lines, tmp_path / "packed" / role, role=role)
    with pytest.raises(LmdbError, match=f"{role}: packed as a {role} set, which must not be used"):
        build(data, **{f"{block}.dataset.data_dir": tmp_path / "packed"})


@pytest.mark.parametrize("num_workers", [0, 1])
def test_workers_read_the_share_that_an_epoch_draws(data: Data, num_workers: int) -> None:
    config = small_config(*data, data[0].parent / "run")
    dataset = replace(config.train.dataset, ratio_list=(0.5,))
    loader = replace(config.train.loader, num_workers=num_workers)
    config = replace(config, train=replace(config.train, dataset=dataset, loader=loader))
    with closing(build_data(resolve(config), PeerLog(), Parallel())) as loaders:
        labels = []
        for epoch in (1, 2):
            batches = loaders.train.plan_epoch(epoch)
            expected = [loaders.train.load_now(batch, epoch).labels for batch in batches]
            assert [b.labels for b in loaders.train.load(batches, epoch)] == expected
            labels.append({label for batch in expected for label in batch})
        assert labels[0] != labels[1]
