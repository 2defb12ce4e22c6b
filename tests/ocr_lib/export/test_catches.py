"""What must never serve, injected where it happens, and the part that catches it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import paddle
import pytest
from numpy.typing import NDArray

from ocr_lib.data.dataset import open_dataset
from ocr_lib.data.image import Image, Preprocess
from ocr_lib.digest import sha256_file
from ocr_lib.errors import CheckpointError, ExportError
from ocr_lib.export import export, run
from ocr_lib.export.parity import certify
from ocr_lib.inference.bundle import Bundle
from ocr_lib.inference.recognizer import Forward, Recognizer
from ocr_lib.inference.runtimes import onnx_forward, open_bundle
from ocr_lib.models import build_model
from ocr_lib.training import TrainedModel, checkpoint, forward_of, load_run


@pytest.fixture(scope="module")
def trained(run_dir: Path) -> TrainedModel:
    return load_run(run_dir)


@pytest.fixture(scope="module")
def images(trained: TrainedModel) -> dict[str, bytes]:
    dataset = open_dataset(trained.config.eval)
    return {f"{i}.png": dataset.sample(i).image for i in range(6)}


@pytest.fixture
def copy(run_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_dir, tmp_path / "run"))


def random_weights(trained: TrainedModel) -> Any:
    paddle.seed(3)
    model = build_model(trained.config.architecture, trained.dictionary.num_classes)
    model.eval()
    return model


def check(
    trained: TrainedModel,
    images: dict[str, bytes],
    path: Path,
    *,
    forward: Forward | None = None,
    served: Preprocess | None = None,
) -> dict[str, Any]:
    """Certifies a form of the trained network beside the network itself."""
    reference = forward_of(trained.model)
    return certify(
        reference,
        {"x": forward or reference},
        trained.preprocess,
        trained.dictionary,
        images,
        path / "failure.npz",
        served=served,
    )


class ShiftedPadding(Preprocess):
    """Pads one pixel on the left."""

    def batch(self, images: list[Image], width: int) -> NDArray[np.float32]:
        return np.roll(super().batch(images, width), 1, axis=3)


class WiderByOne(Preprocess):
    """Rounds the width up once too often, so that there is a pixel less of padding."""

    def resized_width(self, width: int, height: int) -> int:
        return min(self.buckets[-1], super().resized_width(width, height) + 1)


class GreyPadding(Preprocess):
    """Pads one pixel with black instead of mid-grey."""

    def batch(self, images: list[Image], width: int) -> NDArray[np.float32]:
        out = super().batch(images, width)
        for row, image in zip(out, images, strict=True):
            row[:, :, image.shape[1] : image.shape[1] + 1] = -1.0
        return out


@pytest.mark.parametrize("kind", [ShiftedPadding, WiderByOne, GreyPadding])
def test_one_pixel_of_padding(
    kind: type[Preprocess], trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    served = kind.from_dict(trained.preprocess.to_dict())
    wanted = r"makes another input at width \d+: image \d\.png differs by .* columns from \d+ on"
    with pytest.raises(ExportError, match=wanted):
        check(trained, images, tmp_path, served=kind(**vars(served)))
    with np.load(tmp_path / "failure.npz") as kept:
        assert not np.array_equal(kept["answer"], kept["expected"])


def test_another_height_of_input(
    trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    values = trained.preprocess.to_dict() | {"height": trained.preprocess.height + 1}
    with pytest.raises(ExportError, match="makes an input of"):
        check(trained, images, tmp_path, served=Preprocess.from_dict(values))


def test_an_onnx_file_with_a_fixed_width(
    bundle: Bundle, trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    model = onnx.load(bundle.root / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 64
    onnx.save(model, tmp_path / "fixed.onnx")
    with pytest.raises(ExportError, match=r"x does not run at width 128: .*"):
        check(trained, images, tmp_path, forward=onnx_forward(tmp_path / "fixed.onnx"))


def test_an_export_of_other_weights(
    trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    other = forward_of(random_weights(trained))
    with pytest.raises(ExportError, match="x at width 64 differs from the trained network"):
        check(trained, images, tmp_path, forward=other)


def test_the_certificate_keeps_what_is_read(
    trained: TrainedModel, images: dict[str, bytes], tmp_path: Path
) -> None:
    found = check(trained, images, tmp_path)
    reader = Recognizer(trained.preprocess, trained.dictionary, forward_of(trained.model))
    answers = reader.read(list(images.values()))
    assert [line["text"] for line in found["lines"]] == [answer.text for answer in answers]
    assert [line["score"] for line in found["lines"]] == [answer.score for answer in answers]
    assert found["batches"] == ["one batch", "alone", "threes", "fives"]
    assert found["max_score_diff"] < 1e-5


class TestWeights:
    """Weights that did not come from the run."""

    def test_the_file_was_exchanged(self, copy: Path, trained: TrainedModel) -> None:
        other = copy / "other"
        checkpoint.save(other, random_weights(trained).state_dict(), {}, {})
        shutil.copy(f"{other}.pdparams", copy / "best_accuracy.pdparams")
        with pytest.raises(CheckpointError, match="not the file its manifest names"):
            export(copy, copy.parent / "bundle")

    def test_no_manifest_says_where_they_come_from(self, copy: Path) -> None:
        (copy / "best_accuracy.json").unlink()
        with pytest.raises(CheckpointError, match="nothing says that these weights come from"):
            export(copy, copy.parent / "bundle")

    def test_a_whole_checkpoint_of_other_weights(self, copy: Path, trained: TrainedModel) -> None:
        checkpoint.save(copy / "best_accuracy", random_weights(trained).state_dict(), {}, {})
        with pytest.raises(CheckpointError, match=f"but {trained.digest} were evaluated"):
            export(copy, copy.parent / "bundle", weights_sha256=trained.digest)
        assert not (copy.parent / "bundle").exists()


def test_preprocessing_lost_on_the_way_into_the_bundle(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bundle.json` would say another thing than what the network was trained with."""
    true = Preprocess.to_dict

    def forgets(self: Preprocess) -> dict[str, Any]:
        return true(self) | {"min_width": 40}

    monkeypatch.setattr(Preprocess, "to_dict", forgets)
    with pytest.raises(ExportError, match="makes another input"):
        export(run_dir, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert (tmp_path / "bundle.parity-failure.npz").exists()


def test_a_bundle_whose_preprocessing_was_changed(bundle: Bundle, tmp_path: Path) -> None:
    """bundle.json itself is named by its digest alone: its readers compare that."""
    copy = Path(shutil.copytree(bundle.root, tmp_path / "bundle"))
    info = json.loads((copy / "bundle.json").read_text("utf-8"))
    info["preprocess"]["min_width"] = 40
    (copy / "bundle.json").write_text(json.dumps(info), "utf-8")
    assert Bundle.open(copy).digest != bundle.digest


def test_a_bundle_with_another_network(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(bundle.root, tmp_path / "bundle"))
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"\0")
    assert sha256_file(copy / "model.onnx") != sha256_file(bundle.root / "model.onnx")
    with pytest.raises(run.UserError, match=r"model\.onnx: not the file that was exported"):
        open_bundle(copy)
