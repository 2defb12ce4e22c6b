from itertools import combinations
from pathlib import Path

import pytest

from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.leaks import refuse_shared_images
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines

TEXTS = {"train": ["abc", "b", "cab"], "validation": ["bb", "ca"], "test": ["c", "cc"]}


def packed(store: Store, tmp_path: Path, **texts: list[str]) -> dict[str, ArtifactRef | None]:
    return {role: pack_lines(store, tmp_path / role, labels) for role, labels in texts.items()}


def test_three_sets_of_their_own_pass_without_their_images(store: Store, tmp_path: Path) -> None:
    sets = packed(store, tmp_path, **TEXTS)
    refuse_shared_images(store, sets, tmp_path / "work")
    refuse_shared_images(store, {**sets, "validation": None}, tmp_path / "without")
    assert not list((tmp_path / "work").rglob("data.mdb"))


@pytest.mark.parametrize(("used", "new"), list(combinations(TEXTS, 2)))
def test_an_image_in_any_two_sets_is_named(
    store: Store, tmp_path: Path, used: str, new: str
) -> None:
    sets = packed(store, tmp_path, **{**TEXTS, new: ["aa", TEXTS[used][1], "ba"]})
    message = (
        rf"{used} and {new}: 1 of 3 {new} images are {used} images too \(.*:2 of {new} is .*:2"
    )
    with pytest.raises(DataError, match=message):
        refuse_shared_images(store, sets, tmp_path / "work")


def test_a_set_that_was_changed_meanwhile_is_refused(store: Store, tmp_path: Path) -> None:
    sets = packed(store, tmp_path, **TEXTS)
    found = sets["train"]
    assert found is not None
    others = {**sets, "train": ArtifactRef(found.uri, "0" * 64)}
    with pytest.raises(DataError, match="the train set was changed meanwhile"):
        refuse_shared_images(store, others, tmp_path / "work")
