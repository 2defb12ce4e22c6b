from pathlib import Path

import pytest
from kfp import dsl

from components.gen_label.component import gen_label
from components.gen_label.step import gen_label as convert_labels
from components.gen_label.step import labels_markdown
from components.step_context import StepContext
from ocr_lib.data.labels.placeholders import REASON as PLACEHOLDER
from ocr_lib.data.labels.report import LabelReport
from ocr_lib.data.roles import SplitRule
from ocr_lib.digest import sha256_file
from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import read_refs
from ocr_lib.storage.store import Store
from tests.components.line_images import LABELS, tar_of, write_icdar
from tests.components.run_specs import partition


def run(folder: Path, *uris: str, sha256: str = "") -> dict[str, dsl.Artifact]:
    folder.mkdir()
    outputs = {
        "labels": dsl.Dataset(uri=str(folder / "labels")),
        "report": dsl.Markdown(uri=str(folder / "report")),
    }
    data = partition(Store.from_env(), *uris, sha256=sha256, split=SplitRule(share=0.1))
    gen_label.python_func(partition=data.to_dict(), **outputs)
    return outputs


def test_archives_and_folders_become_label_lists_in_the_store(store: Store, tmp_path: Path) -> None:
    folder = write_icdar(tmp_path / "train")
    tar = tar_of(folder)
    uri = store.put_file(tar, "sources/train.tar")
    outputs = run(tmp_path / "out", uri, str(folder))

    first, second = read_refs(outputs["labels"])
    assert first.metadata["source_sha256"] == sha256_file(tar)
    assert first.metadata["written"] == second.metadata["written"] == len(LABELS)
    labels = store.get_tree(first.uri, tmp_path / "labels") / "labels.txt"
    texts = [line.split("\t")[1] for line in labels.read_text("utf-8").splitlines()]
    assert texts == list(LABELS)  # commas, quotes and spaces included
    assert first.metadata["split"] == {"share": 0.1, "seed": 0, "document_pattern": ""}
    assert Path(outputs["report"].path).read_text("utf-8").count("5 of 5 lines written") == 2


def test_a_second_attempt_gives_the_same_pointers(store: Store, tmp_path: Path) -> None:
    folder = str(write_icdar(tmp_path / "lines"))
    first, second = (run(tmp_path / name, folder) for name in ("first", "second"))
    assert read_refs(first["labels"]) == read_refs(second["labels"])


def test_a_source_that_changed_is_refused(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(write_icdar(tmp_path / "lines"))
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path / "out", folder, sha256="0" * 64)
    assert exit_.value.code == 2
    assert "it was changed since" in capsys.readouterr().err


def test_a_source_that_changed_since_the_plan_is_refused(store: Store, tmp_path: Path) -> None:
    tar = tar_of(write_icdar(tmp_path / "lines"))
    planned = partition(store, store.put_file(tar, "sources/changing.tar"))
    store.put_file(tar_of(write_icdar(tmp_path / "other", ["other"])), "sources/changing.tar")
    with pytest.raises(DataError, match="changed since this run was planned"):
        convert_labels(StepContext(store, tmp_path / "work"), planned)


def test_what_was_dropped_shows_in_the_report_and_cannot_break_it() -> None:
    report = LabelReport("gt.txt", "rec", "labels", lines=2, written=1)
    report.drop("no label", "gt.txt:2", "a|b <script>")
    assert labels_markdown({"train": report}).splitlines()[-1] == (
        "| dropped | no label | 1 | gt.txt:2: a\\|b \\<script\\> |"
    )


def test_lines_that_placeholders_cost_are_a_warning_above_the_table() -> None:
    report = LabelReport("gt.txt", "rec", "labels", lines=2, written=1)
    assert "Warning" not in labels_markdown({"train": report})
    report.drop(PLACEHOLDER, "gt.txt:2", "b.jpg\t<unk>")
    lines = labels_markdown({"train": report}).splitlines()
    assert lines[4].startswith("**Warning:** 1 of 2 lines (50.00%) are left out")
    assert "\\<unk\\>" in lines[4]
    assert lines[6].startswith("| |")
