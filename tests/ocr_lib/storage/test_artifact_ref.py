import json
from pathlib import Path

import pytest
from kfp import dsl

from ocr_lib.errors import DataError
from ocr_lib.storage.artifact_ref import ArtifactRef, read_ref, write_ref


def dataset(path: Path) -> dsl.Dataset:
    return dsl.Dataset(uri=str(path))


def test_pointer_survives_its_file(tmp_path: Path) -> None:
    pointer = ArtifactRef("s3://ocr/datasets/a/1", "ab" * 32, {"samples": 3, "unit": "lines"})
    write_ref(dataset(tmp_path / "lmdb"), pointer)
    assert read_ref(dataset(tmp_path / "lmdb")) == pointer


def test_what_a_user_interface_shows_is_in_the_artifact_metadata(tmp_path: Path) -> None:
    artifact = dataset(tmp_path / "lmdb")
    write_ref(artifact, ArtifactRef("s3://ocr/x", "00", {"samples": 3}))
    assert artifact.metadata == {"uri": "s3://ocr/x", "digest": "00", "samples": 3}


@pytest.mark.parametrize(
    "content",
    [
        None,  # the earlier step wrote nothing
        "",
        "not json",
        "[1]",
        json.dumps({"uri": "s3://a"}),  # half of a pointer
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "thing"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="thing: not a reference"):
        read_ref(dataset(path))
