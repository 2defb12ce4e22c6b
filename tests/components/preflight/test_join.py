"""Parts of three roles become three data sets, whichever pod packed which part."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from components.preflight.join import Sets, join_sets
from components.step_context import StepContext
from ocr_lib.data.lmdb_store import LmdbDataset, verify
from ocr_lib.data.roles import TEST, TRAIN, VALIDATION, SplitRule
from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines, pack_source
from tests.components.run_specs import NO_SPLIT

TEXTS = [["one", "two", "three"], ["four"], ["five", "six"]]
DOCUMENTS = SplitRule(share=0.15, seed=2, document_pattern=r"word_\d+")


@pytest.fixture
def test(store: Store, tmp_path: Path) -> ArtifactRef:
    return pack_lines(store, tmp_path / "test", ["seven", "eight"])


def pack(
    store: Store, folder: Path, texts: Sequence[str], split: SplitRule | None = None
) -> list[ArtifactRef]:
    return pack_source(store, folder, texts, role=TRAIN, split=split or NO_SPLIT)


@pytest.fixture
def parts(store: Store, test: ArtifactRef, tmp_path: Path) -> list[ArtifactRef]:
    sources = [pack(store, tmp_path / f"source-{n}", texts) for n, texts in enumerate(TEXTS)]
    return [test, *(part for source in sources for part in source)]


def labels(store: Store, pointer: ArtifactRef | None, folder: Path) -> list[str]:
    assert pointer is not None
    root = store.get_tree(pointer.uri, folder)
    assert not verify(root).problems
    found = list(LmdbDataset(root).labels())
    assert len(found) == pointer.metadata["samples"]
    return found


def test_parts_become_one_data_set_and_no_shard_is_copied(
    store: Store, parts: list[ArtifactRef], tmp_path: Path
) -> None:
    before = {item.key for item in store.list("datasets/lines-train/")}
    sets = join_sets(StepContext(store, tmp_path / "join"), parts)
    keys = {item.key for item in store.list("datasets/lines-train/")} - before
    assert {key.rpartition("/")[2] for key in keys} == {
        "manifest.json",
        "report.json",
        "tree-manifest.json",
    }
    assert labels(store, sets.train, tmp_path / "whole") == [t for texts in TEXTS for t in texts]
    assert sets.train.metadata["shards"] == 3
    assert (sets.validation, sets.test) == (None, parts[0])  # a single part is the data set
    assert sets.note.startswith("No validation set was asked for")


def test_the_result_does_not_depend_on_who_packed_what(
    store: Store, parts: list[ArtifactRef], tmp_path: Path
) -> None:
    shuffled = [parts[3], parts[1], parts[0], parts[2]]
    sets = join_sets(StepContext(store, tmp_path / "one"), parts)
    assert join_sets(StepContext(store, tmp_path / "two"), shuffled) == sets
    assert sets.train.digest in sets.train.uri


@pytest.mark.parametrize("role", [TRAIN, TEST])
def test_a_role_without_parts_is_named(
    store: Store, parts: list[ArtifactRef], tmp_path: Path, role: str
) -> None:
    others = [part for part in parts if part.metadata["role"] != role]
    with pytest.raises(DataError, match=f"{role}: no part of this role"):
        join_sets(StepContext(store, tmp_path / "join"), others)


def test_a_validation_set_of_its_own_is_taken_as_it_is(
    store: Store, parts: list[ArtifactRef], tmp_path: Path
) -> None:
    own = pack_lines(store, tmp_path / "validation", ["nine"])
    sets = join_sets(StepContext(store, tmp_path / "join"), [*parts, own])
    assert sets.validation == own
    assert sets.train.metadata["samples"] == 6


@pytest.fixture
def split(store: Store, test: ArtifactRef, tmp_path: Path) -> Sets:
    """Two sources of 250 documents each; two images of the second are in the first as well."""
    first = [f"{n:03}" for n in range(250)]
    one = pack(store, tmp_path / "first", first, DOCUMENTS)
    taken = labels(
        store, one[0] if one[0].metadata["role"] == VALIDATION else one[1], tmp_path / "v"
    )
    assert taken
    # Where an image is in the archive decides its side: these are in train of the second source.
    second = [f"{n:03}" for n in range(500, 750)]
    probe = pack(store, tmp_path / "probe", second, DOCUMENTS)
    trained = next(part for part in probe if part.metadata["role"] == TRAIN)
    place = second.index(labels(store, trained, tmp_path / "t")[0])
    second[place] = taken[0]
    two = pack(store, tmp_path / "second", second, DOCUMENTS)
    return join_sets(StepContext(store, tmp_path / "join"), [test, *one, *two])


def test_what_was_split_off_is_in_no_other_set(store: Store, split: Sets, tmp_path: Path) -> None:
    train = labels(store, split.train, tmp_path / "train")
    validation = labels(store, split.validation, tmp_path / "validation")
    assert len(train) + len(validation) == 499  # one image is in both sources
    assert not set(train) & set(validation)
    assert split.train.metadata["excluded"] == 1
    assert f"{len(validation)} of 500 samples were split off for validation by whole" in split.note
    assert "1 training images were left out: they are in validation as well." in split.note


def test_too_few_samples_are_not_split(store: Store, test: ArtifactRef, tmp_path: Path) -> None:
    packed = pack(store, tmp_path / "few", [f"{n:03}" for n in range(200)], DOCUMENTS)
    assert {part.metadata["role"] for part in packed} == {TRAIN, VALIDATION}
    sets = join_sets(StepContext(store, tmp_path / "join"), [test, *packed])
    assert sets.validation is None
    assert "validation samples are fewer than 50. All samples are learnt from." in sets.note
    assert sorted(labels(store, sets.train, tmp_path / "all")) == [f"{n:03}" for n in range(200)]
    assert sets.train.metadata["role"] == TRAIN


def test_the_report_says_that_blocks_may_tear_documents(
    store: Store, test: ArtifactRef, tmp_path: Path
) -> None:
    rule = SplitRule(share=0.15, seed=4)
    packed = pack(store, tmp_path / "blocks", [f"{n:03}" for n in range(999)], rule)
    note = join_sets(StepContext(store, tmp_path / "join"), [test, *packed]).note
    assert "samples were split off for validation by blocks of 64 consecutive labels" in note
    assert "may be on both sides, unless a document_pattern" in note
