from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from components.gen_label.step import gen_label
from components.pack_lmdb.component import pack_lmdb
from components.step_context import StepContext
from ocr_lib.data.lmdb_store import LmdbDataset
from ocr_lib.storage.artifact_ref import ArtifactRef, read_refs, write_refs
from ocr_lib.storage.store import Store
from tests.components.line_images import LABELS, write_icdar
from tests.components.run_specs import partition


def labels_of(store: Store, folder: Path, work: Path) -> ArtifactRef:
    return gen_label(StepContext(store, work), partition(store, folder))[0][0]


def run(folder: Path, pointer: ArtifactRef, **arguments: Any) -> ArtifactRef:
    folder.mkdir()
    labels, shards = (dsl.Dataset(uri=str(folder / name)) for name in ("labels", "shards"))
    write_refs(labels, [pointer, pointer])
    data = partition(Store.from_env(), **arguments)
    pack_lmdb.python_func(partition=data.to_dict(), labels=labels, shards=shards)
    first, second = read_refs(shards)
    assert first == second
    return first


def test_shards_hold_every_line_and_lie_under_their_digest(store: Store, tmp_path: Path) -> None:
    pointer = labels_of(store, write_icdar(tmp_path / "lines"), tmp_path / "work")
    lmdb = run(tmp_path / "out", pointer)
    assert lmdb.digest in lmdb.uri
    assert lmdb.metadata["samples"] == len(LABELS)
    dataset = LmdbDataset(store.get_tree(lmdb.uri, tmp_path / "lmdb"))
    assert [dataset.sample(i).label for i in range(len(dataset))] == list(LABELS)


def test_a_second_attempt_gives_the_same_pointer(store: Store, tmp_path: Path) -> None:
    pointer = labels_of(store, write_icdar(tmp_path / "lines"), tmp_path / "work")
    first, second = (run(tmp_path / name, pointer) for name in ("first", "second"))
    assert first == second


def test_too_many_bad_images_stop_the_run(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_icdar(tmp_path / "lines")
    (folder / "word_2.png").write_bytes(b"not an image")
    pointer = labels_of(store, folder, tmp_path / "work")
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path / "out", pointer)
    assert exit_.value.code == 2
    assert "1 of 5 samples are bad" in capsys.readouterr().err
    assert run(tmp_path / "ok", pointer, max_bad_fraction=0.5).metadata["dropped"] == 1
