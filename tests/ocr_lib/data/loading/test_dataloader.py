import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ocr_lib.data.augment.concatenate import RecConAug
from ocr_lib.data.base import Sample
from ocr_lib.data.image import Preprocess
from ocr_lib.data.loading.batches import Batch
from ocr_lib.data.loading.dataloader import BatchBuilder, DataLoader, LoadedBatch
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.data.loading.sample_table import LearnableSamples
from ocr_lib.data.positions import Positions
from ocr_lib.errors import DataError
from ocr_lib.text.bidi import visual_order
from ocr_lib.text.dictionary import Charset, build_dictionary
from tests.ocr_lib.data.pictures import config as resize_config
from tests.ocr_lib.training.ranks import environment

PLAN = [Batch(96, (0, 1, 2)), Batch(96, (3,)), Batch(96, (4, 5)), Batch(96, (6, 7))]


class Lines:
    """Grey images, each with a number; some are no images."""

    def __init__(self, count: int, broken: frozenset[int] = frozenset()) -> None:
        self.count = count
        self.broken = broken

    def __len__(self) -> int:
        return self.count

    @property
    def sizes(self) -> NDArray[np.int32]:
        return np.full((self.count, 2), (64, 32), np.int32)

    @property
    def checksums(self) -> NDArray[np.uint64]:
        return np.arange(self.count, dtype=np.uint64)

    def labels(self) -> Iterator[str]:
        return (str(i) for i in range(self.count))

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        image = cv2.imencode(".png", np.full((32, 64, 3), i, np.uint8))[1].tobytes()
        return Sample(b"none" if i in self.broken else image, str(i), f"line {i}")


class Heavy(Lines):
    """Tells in its labels what the process that reads it has imported."""

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        return Sample(super().sample(i, rng).image, "1" if "paddle" in sys.modules else "0", "")


def noise(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 255, image.shape, np.uint8)


def reader(lines: Lines) -> BatchBuilder:
    count = len(lines)
    samples = LearnableSamples(Positions(count, np.zeros(0, np.int64)), {96: 24})
    label_encoder = LabelEncoder(Charset(tuple("0123456789")), max_text_length=8)
    return BatchBuilder(lines, samples, Preprocess(32, (96,)), noise, None, label_encoder, seed=7)


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_are_the_same_whoever_reads_them(workers: int) -> None:
    alone, others = DataLoader(reader(Lines(8)), 0), DataLoader(reader(Lines(8)), workers)
    try:
        for expected, loaded in zip(alone.batches(PLAN, 2), others.batches(PLAN, 2), strict=True):
            assert loaded.labels == expected.labels
            assert loaded.arrays.keys() == expected.arrays.keys()
            for name, array in expected.arrays.items():
                np.testing.assert_array_equal(loaded.arrays[name], array)
    finally:
        alone.close()
        others.close()


def test_random_numbers_are_of_the_sample_and_the_epoch() -> None:
    read = reader(Lines(8)).read
    batch, other = Batch(96, (0, 1)), Batch(96, (1, 0))
    first = read(batch, 1).arrays["image"]
    np.testing.assert_array_equal(first[::-1], read(other, 1).arrays["image"])
    assert not np.array_equal(first, read(batch, 2).arrays["image"])


def test_worker_processes_do_without_paddle() -> None:
    loader = DataLoader(reader(Heavy(2)), 1)
    try:
        (loaded,) = loader.batches([Batch(96, (0, 1))], 1)
        assert loaded.labels == ("0", "0")
    finally:
        loader.close()


def test_what_cannot_be_read_is_left_out_and_named() -> None:
    loader = DataLoader(reader(Lines(8, broken=frozenset({1, 3}))), 0)
    loaded = list(loader.batches(PLAN, 1))
    assert [batch.labels for batch in loaded] == [("0", "2"), (), ("4", "5"), ("6", "7")]
    assert loaded[0].arrays["image"].shape == (2, 3, 32, 96)
    assert loaded[1].arrays == {}
    assert "line 1" in loaded[0].bad[0]
    loader.close()


def test_too_many_that_cannot_be_read_end_it() -> None:
    loader = DataLoader(reader(Lines(40, broken=frozenset(range(10)))), 0)
    with pytest.raises(DataError, match="10 of 40 samples cannot be read"):
        list(loader.batches([Batch(96, tuple(range(40)))], 1))
    loader.close()


# Reads one batch, then one from a pipe that never has data, and says how that ended.
HANGING = """
import os, sys
from contextlib import closing
from pathlib import Path
from ocr_lib.data.loading import dataloader
from ocr_lib.errors import DataError
from tests.ocr_lib.data.loading.test_dataloader import PLAN, Lines, reader

class Standing(Lines):
    def sample(self, i, rng=None):
        if i >= 3:
            Path(sys.argv[1]).read_bytes()
        return super().sample(i, rng)

if __name__ == "__main__":
    dataloader.CLOSE_TIMEOUT_S = 0.2
    try:
        with closing(dataloader.DataLoader(reader(Standing(8)), int(sys.argv[2]))) as loader:
            batches = loader.batches(PLAN, 0)
            print(next(batches).labels)
            pipe = os.open(sys.argv[1], os.O_WRONLY)  # returns when the worker reads
            dataloader.BATCH_TIMEOUT_S = 0.2
            next(batches)
    except DataError as error:
        print(error)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_storage_that_stands_still_ends_the_process(tmp_path: Path, workers: int) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = tmp_path / "program.py"
    program.write_text(HANGING)
    ended = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "pipe"), str(workers)],
        capture_output=True,
        text=True,
        timeout=90,
        env=environment(),
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.startswith("('0', '1', '2')\n")
    assert "a batch has not been read within 0 s" in ended.stdout


class Tall(Lines):
    """Drawn lines, standing or lying."""

    def __init__(self, standing: bool) -> None:
        super().__init__(4)
        self.standing = standing

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        pixels = np.random.default_rng(i).integers(0, 255, (32, 80, 3), np.uint8)
        pixels = np.ascontiguousarray(np.rot90(pixels, -1)) if self.standing else pixels
        return Sample(cv2.imencode(".png", pixels)[1].tobytes(), str(i), f"line {i}")


@pytest.mark.parametrize("joined", [False, True])
def test_turn_tall_lines_trains_on_the_lines_lying_down(joined: bool) -> None:
    join = RecConAug(prob=1.0, image_shape=(32, 320, 3)) if joined else None
    config = resize_config(image_shape=[3, 32, 96])
    config = replace(config, global_=replace(config.global_, turn_tall_lines=True))
    assert Preprocess.from_config(config).turn_tall
    read = []
    for standing in (True, False):
        builder = replace(
            reader(Tall(standing)),
            preprocess=Preprocess.from_config(config),
            augment=lambda image, _: image,
            join=join,
        )
        read.append(builder.read(Batch(96, (0, 1, 2)), 1).arrays["image"])
    np.testing.assert_array_equal(read[0], read[1])


WORDS = ("שלום", "رقم", "abc", "X1", "12", "+972", "50%", "1,250.00", "-", "(abc)", "(עולם)", "٤٥")


class Mixed(Lines):
    """Lines of right-to-left and left-to-right words and numbers."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(len(texts))
        self.texts = texts

    def labels(self) -> Iterator[str]:
        return iter(self.texts)

    def sample(self, i: int, rng: np.random.Generator | None = None) -> Sample:
        return Sample(super().sample(i % 200, rng).image, self.texts[i], "")


def mixed_reader(texts: Sequence[str]) -> BatchBuilder:
    label_encoder = LabelEncoder(build_dictionary(texts), max_text_length=80)
    return replace(reader(Mixed(texts)), label_encoder=label_encoder)


def drawn(loaded: LoadedBatch, dictionary: Charset) -> list[str]:
    """Returns what the network is taught, from the left end of each image."""
    ids = loaded.arrays["label_ctc"]
    lengths = loaded.arrays["length"]
    entries = ("", *dictionary.characters)
    return ["".join(entries[i] for i in row[:n]) for row, n in zip(ids, lengths, strict=True)]


def test_right_to_left_lines_are_taught_as_their_image_shows_them() -> None:
    rng = random.Random(0)
    mixes = [" ".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(600)]
    texts = ["(abc) +972 abc שלום", *mixes]  # of the first, the order cannot be undone
    builder = mixed_reader(texts)
    dictionary = builder.label_encoder.dictionary
    loaded = builder.read(Batch(96, tuple(range(len(texts)))), 1)
    assert drawn(loaded, dictionary) == [visual_order(text) for text in texts]
    read = [dictionary.text(dictionary.encode(text)) for text in texts]
    assert loaded.labels == tuple(read)


def test_right_to_left_lines_are_joined_as_their_images_are() -> None:
    """Each word has an image of its own grey, so the joined image tells the order of the words."""
    texts = ["שלום", "רקם"]
    builder = replace(mixed_reader(texts), join=RecConAug(prob=1.0), augment=lambda image, _: image)
    builder = replace(builder, preprocess=Preprocess(32, (192,)))
    builder = replace(builder, samples=replace(builder.samples, time_steps={192: 48}))
    loaded = builder.read(Batch(192, (0, 1) * 8), 1)
    taught = drawn(loaded, builder.label_encoder.dictionary)
    assert all(len(text) > 4 for text in taught)
    greys = np.rint((loaded.arrays["image"][:, 0, 16] + 1) * 127.5).astype(int)
    for text, row in zip(taught, greys, strict=True):
        assert text == "".join(visual_order(texts[grey]) for grey in row[[20, 90]])
