"""What an evaluation counts beside accuracy: spaces, characters, scores, slices, blocks."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.errors import DataError
from ocr_lib.evaluation.block_counts import (
    BLOCKS,
    FIELDS,
    WHOLE,
    BlockCounter,
    BlockCounts,
    block_metrics,
)
from ocr_lib.evaluation.characters import Confusion, script, source_of
from ocr_lib.evaluation.report import FORMAT, EvalReport, Spaces
from tests.ocr_lib.tallied import tallied


def test_spaces_are_counted_by_alignment() -> None:
    report = tallied(["a b c", "ab", "a b"], ["ab c", "a b", "a b"])
    assert report.spaces == Spaces(hits=2, truths=3, reads=3)
    assert report.spaces.precision == report.spaces.recall == pytest.approx(2 / 3)
    assert report.spaces.f1 == pytest.approx(2 / 3)
    assert tallied(["ab"], ["ab"]).spaces.f1 is None


def test_a_misplaced_space_is_no_hit() -> None:
    assert tallied(["ab cde"], ["abcd e"]).spaces.hits == 0


@given(st.lists(st.tuples(st.text("ab ", max_size=12), st.text("ab ", max_size=12)), min_size=1))
def test_counts_add_up(pairs: list[tuple[str, str]]) -> None:
    report = tallied(*map(list, zip(*pairs, strict=True)))
    labels = "".join(truth for truth, _ in pairs)
    assert {c: r.count for c, r in report.characters.items()} == {
        c: labels.count(c) for c in set(labels)
    }
    for character, recall in report.characters.items():
        assert 0 <= recall.hits <= recall.count
        assert 0 <= recall.line_hits <= recall.lines <= recall.count
        assert recall.lines == sum(character in truth for truth, _ in pairs)
    if " " in report.characters:
        assert report.characters[" "].hits == report.spaces.hits
    assert sum(c.count for c in report.confusions) == round(report.cer * max(len(labels), 1))


def test_confusions_name_what_was_read_instead() -> None:
    report = tallied(["l0t", "l0t", "ab", "x", "x"], ["lOt", "lOt", "a", "xy", None])
    assert report.confusions == (
        Confusion("0", "O", 2),
        Confusion("", "y", 1),
        Confusion("b", "", 1),
    )
    assert report.characters["x"].hits == 1  # the unreadable one is missed, not confused


def test_slices_by_content() -> None:
    report = tallied(["abc", "A 1", "жук", "1-2", "日本"], ["abc", "A 1", "x", "1-2", "x"])
    assert {part.name: (part.samples, part.accuracy) for part in report.by_class} == {
        "digits": (2, 1.0),
        "letters": (4, 0.5),
        "lower case": (2, 0.5),
        "punctuation": (1, 1.0),
        "spaces": (1, 1.0),
        "upper case": (1, 1.0),
    }
    assert [part.name for part in report.by_script] == ["Cyrillic", "Han", "Latin"]
    assert (script("語"), script("ひ"), script("é")) == ("Han", "Hiragana", "Latin")
    assert report.by_source == ()  # all of one label list


def test_slices_by_source_are_bounded() -> None:
    truths = ["a"] * 40
    report = tallied(truths, truths, names=[f"scan-{i}/line.png" for i in range(40)])
    assert len(report.by_source) == 17
    assert {part.name: part.samples for part in report.by_source}["other"] == 24
    assert [source_of(name) for name in ("l.txt:12", "a/b/c.png", "c.png")] == ["l.txt", "a/b", "."]


def test_reliability_bins_scores() -> None:
    report = tallied(["a", "a", "a", "b"], ["a", "a", "b", None], scores=[0.98, 1.0, 0.52, 0.0])
    filled = {i: (b.lines, b.correct) for i, b in enumerate(report.reliability) if b.lines}
    assert filled == {10: (1, 0), 19: (2, 2)}
    assert report.calibration_error == pytest.approx((0.52 + (2 - 1.98)) / 3)


def test_format_1_is_read() -> None:
    report = tallied(["a b", "b"], ["a b", "c"])
    old = {k: v for k, v in report.to_dict().items() if k in FORMAT_1} | {"format": 1}
    for name in ("by_length", "by_width"):
        old[name] = [{k: v for k, v in part.items() if k != "space_f1"} for part in old[name]]
    read = EvalReport.from_dict(json.loads(json.dumps(old)))
    assert (read.accuracy, read.outcomes) == (report.accuracy, report.outcomes)
    assert (read.cells, read.characters, read.calibration_error) == (None, {}, None)


FORMAT_1 = (
    "samples", "unreadable", "out_of_dictionary", "accuracy", "norm_edit_dis", "cer", "paddleocr",
    "by_length", "by_width", "worst", "watched", "errors", "outcomes", "dataset_digest", "seconds",
)  # fmt: skip


def test_everything_survives_json() -> None:
    report = tallied(["a b", "cd", "e"], ["ab", "cd", None])
    assert EvalReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


@pytest.mark.parametrize("damage", ["", "eJwDAAAAAAE=", "bm8gemxpYg=="])
def test_damaged_sums_are_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    values = tallied(["a"], ["a"]).to_dict()
    values["cells"]["sums"] = damage
    path.write_text(json.dumps(values))
    with pytest.raises(DataError, match="not an evaluation report"):
        EvalReport.load(path)


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


def test_format_is_written() -> None:
    assert tallied(["a"], ["a"]).to_dict()["format"] == FORMAT
    assert asdict(Spaces()) == {"hits": 0, "truths": 0, "reads": 0}
