import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocr_lib.data.synthetic.dataset import draw_sample, generate, split_of
from ocr_lib.errors import DataError, UserError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(
        tmp_path_factory.mktemp("synthetic") / "data", train=430, test=60, seed=3, workers=1
    )


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def read(folder: Path) -> dict[str, str]:
    lines = (folder / "gt.txt").read_text(encoding="utf-8").splitlines()
    return {name: text[1:-1] for name, text in (line.split(", ", 1) for line in lines)}


@pytest.mark.parametrize(("split", "count"), [("train", 430), ("test", 60)])
def test_a_split_is_in_icdar_form(data: Path, split: str, count: int) -> None:
    labels = read(data / split)
    assert list(labels) == [f"word_{number}.jpg" for number in range(1, count + 1)]
    for name, text in labels.items():
        assert cv2.imread(str(data / split / name)) is not None
        assert text == text.strip() != ""


def test_bytes_do_not_depend_on_the_number_of_processes(data: Path, tmp_path: Path) -> None:
    other = generate(tmp_path / "data", train=430, test=60, seed=3, workers=2)
    assert digests(other) == digests(data)


def test_a_line_does_not_depend_on_the_others(data: Path) -> None:
    text, content = draw_sample(3, "train", 41)
    assert read(data / "train")["word_42.jpg"] == text
    assert (data / "train" / "word_42.jpg").read_bytes() == content


def test_another_seed_gives_other_lines() -> None:
    assert draw_sample(3, "train", 0) != draw_sample(4, "train", 0)


def test_no_text_of_the_test_set_is_trained_on(data: Path) -> None:
    trained = {text.lower() for text in read(data / "train").values()}
    held_out = {text.lower() for text in read(data / "test").values()}
    assert not trained & held_out
    assert {split_of(text) for text in held_out} == {"test"}
    assert split_of("Total") == split_of("TOTAL")


def test_doing_it_again_leaves_the_data_set_alone(data: Path) -> None:
    before = (data / "train").stat().st_mtime_ns
    generate(data, train=430, test=60, seed=3)
    assert (data / "train").stat().st_mtime_ns == before


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """A data set of 0.1."""
    folder = tmp_path / "data"
    for split in ("train", "eval"):
        (folder / split).mkdir(parents=True)
    (folder / "synthetic.json").write_text('{"version": 1, "train": 2, "eval": 1, "seed": 0}\n')
    return folder


def test_what_was_put_into_a_data_set_of_0_1_stays(former: Path) -> None:
    (former / "lmdb").mkdir()
    (former / "lmdb/data.mdb").write_bytes(b"packed")
    with pytest.raises(UserError, match=r"also holds lmdb\. Move the rest elsewhere"):
        generate(former, train=2, test=1, seed=0, workers=1)
    assert (former / "lmdb/data.mdb").read_bytes() == b"packed"
    assert (former / "eval").is_dir()


def test_a_data_set_of_0_1_is_drawn_again(former: Path) -> None:
    generate(former, train=2, test=1, seed=0, workers=1)
    assert {path.name for path in former.iterdir()} == {"train", "test", "synthetic.json"}


def test_something_else_is_never_overwritten(data: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("five years of work")
    for folder in (tmp_path, tmp_path / "thesis.txt", data):
        with pytest.raises(UserError, match="holds something else"):
            generate(folder, train=5, test=5, seed=3)
    assert (tmp_path / "thesis.txt").read_text() == "five years of work"


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    generate(tmp_path, train=2, test=1, seed=0, workers=1)
    assert np.unique(list(read(tmp_path / "train"))).size == 2


@pytest.mark.parametrize("wrong", [{"train": 0}, {"test": -1}, {"seed": -1}])
def test_numbers_out_of_range_name_the_option(wrong: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"--{next(iter(wrong))}: "):
        generate(tmp_path / "data", **{"train": 2, "test": 1, "seed": 0, **wrong})
    assert not any(tmp_path.iterdir())


def test_images_that_are_never_written_end_the_drawing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_lib.data.synthetic.dataset.CHUNK_TIMEOUT_S", 0.0)
    with pytest.raises(DataError, match=r"its images are not written .*Look at the storage"):
        generate(tmp_path / "data", train=9, test=1, seed=3, workers=2)
    assert not any(tmp_path.iterdir())
