"""The three sets: what decides the side of a sample, and what it does not depend on."""

from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.data.roles import (
    BLOCK,
    TRAIN,
    VALIDATION,
    Split,
    SplitRule,
    hash_unit,
    lowest_hashes,
    positions_in,
    unfit_split,
)
from ocr_lib.errors import ConfigError, LabelError

NAMES = st.text("abcdef0123456789", min_size=1, max_size=3)
PATHS = st.lists(st.builds("{}/{}.jpg".format, NAMES, NAMES), min_size=2, max_size=60)
RULES = st.builds(SplitRule, share=st.floats(0, 0.15), seed=st.integers(0, 2**40))
KEYS = st.lists(st.integers(0, 2**64 - 1), max_size=80).map(lambda k: np.array(k, np.uint64))


def roles(rule: SplitRule, paths: list[str], source: str = "a.tar") -> list[str]:
    split = Split.of(rule, paths, source, "labels.txt")
    return [split.role(number, path) for number, path in enumerate(paths, start=1)]


@given(RULES, PATHS, PATHS)
def test_the_side_of_a_sample_stays_when_data_arrive(
    rule: SplitRule, paths: list[str], more: list[str]
) -> None:
    paths = [f"x{paths[0]}", f"y{paths[0]}", *paths]  # several folders from the start
    assert roles(rule, paths + more)[: len(paths)] == roles(rule, paths)
    flat = [path.replace("/", "-") for path in paths]
    assert roles(rule, flat + [path.replace("/", "-") for path in more])[: len(flat)] == roles(
        rule, flat
    )


@given(RULES, PATHS)
def test_a_folder_is_on_one_side_whichever_archive_it_is_in(
    rule: SplitRule, paths: list[str]
) -> None:
    paths = ["first/1.jpg", "second/1.jpg", *paths]
    sides: dict[str, str] = {}
    for source in ("a.tar", "b.tar"):
        for path, role in zip(paths, roles(rule, paths, source), strict=True):
            assert sides.setdefault(str(PurePosixPath(path).parent), role) == role


@given(RULES, st.permutations([f"scan-{d:02}_line-{i}.png" for d in range(20) for i in range(3)]))
def test_a_document_is_on_one_side_in_any_order(rule: SplitRule, paths: list[str]) -> None:
    rule = SplitRule(share=rule.share, seed=rule.seed, document_pattern=r"^scan-(\d+)")
    found = dict(zip(paths, roles(rule, paths), strict=True))
    assert found == dict(zip(sorted(paths), roles(rule, sorted(paths)), strict=True))
    for path, role in found.items():
        assert found[f"{path[:7]}_line-0.png"] == role


def test_without_folders_neighbouring_labels_stay_together() -> None:
    paths = [f"all/{i}.jpg" for i in range(40 * BLOCK + 7)]
    found = roles(SplitRule(share=0.15, seed=3), paths)
    for start in range(0, len(paths), BLOCK):
        assert len(set(found[start : start + BLOCK])) == 1
    assert set(found) == {TRAIN, VALIDATION}
    assert found != roles(SplitRule(share=0.15, seed=3), paths, "b.tar")  # blocks of its own


@pytest.mark.parametrize("share", [0.01, 0.05, 0.15])
def test_the_share_is_kept_on_average(share: float) -> None:
    groups = 20_000
    taken = sum(hash_unit(11, str(i)) < share for i in range(groups))
    assert abs(taken - share * groups) < 4 * np.sqrt(share * (1 - share) * groups)


def test_a_share_of_nothing_splits_nothing_off() -> None:
    assert set(roles(SplitRule(share=0), [f"{i}/x.jpg" for i in range(500)])) == {TRAIN}


def test_another_seed_takes_others() -> None:
    paths = [f"{i}/x.jpg" for i in range(500)]
    assert roles(SplitRule(share=0.1, seed=1), paths) != roles(SplitRule(share=0.1, seed=2), paths)


def test_a_path_without_its_document_is_named() -> None:
    rule = SplitRule(document_pattern=r"scan-\d+")
    with pytest.raises(LabelError, match=r"labels.txt:2: the document pattern .* not in 'b.jpg'"):
        roles(rule, ["scan-1.jpg", "b.jpg"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": 0.5}, "split.share: is 0.5. Write a fraction from 0 to 0.15"),
        ({"share": "5 %"}, "split.share: is '5 %'. Write a number"),
        ({"seed": -1}, "split.seed: is -1. Write 0 or more"),
        ({"seed": 1.5}, "split.seed: is 1.5. Write a whole number"),
        ({"document_pattern": "("}, r"split.document_pattern: '\(' is not a regular expression"),
        ({"document_pattern": 7}, "split.document_pattern: is 7. Write a text"),
        ({"pattern": "x"}, "split.pattern: is not a known key. The nearest known name is docu"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SplitRule.from_dict(values)


def test_a_rule_survives_json_as_kubeflow_passes_it() -> None:
    rule = SplitRule(share=0.1, seed=9, document_pattern="x")
    assert SplitRule.from_dict({**rule.to_dict(), "seed": 9.0}) == rule


@pytest.mark.parametrize(
    ("train", "validation", "reason"),
    [
        (1000, 49, "49 validation samples are fewer than 50"),
        (1000, 50, ""),
        (1000, 200, ""),
        (1000, 201, "201 validation samples are more than a fifth of 1,000 to learn from"),
        (0, 0, "0 validation samples are fewer than 50"),
    ],
)
def test_too_small_or_too_large_a_split_is_none(train: int, validation: int, reason: str) -> None:
    assert unfit_split(train, validation) == reason


@given(KEYS, KEYS, st.integers(1, 30))
def test_the_samples_read_can_only_be_replaced_by_new_ones(
    old: np.ndarray, new: np.ndarray, most: int
) -> None:
    before = lowest_hashes(old, most).tolist()
    assert len(before) == min(most, len(old))
    assert before == sorted(set(before))
    after = lowest_hashes(np.concatenate([old, new]), most).tolist()
    assert {i for i in after if i < len(old)} <= set(before)


def test_the_samples_read_are_spread_over_the_set() -> None:
    keys = np.arange(10_000, dtype=np.uint64) << np.uint64(32)  # neighbours differ in few bits
    taken = lowest_hashes(keys, 1000)
    assert np.histogram(taken, 10, (0, 10_000))[0].min() > 60


@given(KEYS, KEYS)
def test_equal_images_are_found_and_unreadable_ones_are_not(
    keys: np.ndarray, others: np.ndarray
) -> None:
    some = {k for k in others.tolist() if k}
    found = positions_in(keys, others).tolist()
    assert found == [i for i, key in enumerate(keys.tolist()) if key in some]
