"""Reading images with an exported model."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ocr_lib.inference.bundle import BundleError, write_manifest
from ocr_lib.inference.runtimes import onnx_forward, onnx_runtime, open_bundle
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, PREPROCESS, line_image, write_bundle


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "tiny")


def test_an_opened_bundle_reads_with_its_own_preprocessing(tiny: Path) -> None:
    found = open_bundle(tiny).read([line_image("abc"), line_image("é中"), b"text"])
    assert [result.text for result in found] == ["abc", "é中", ""]
    assert found[2].error


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_probabilities_depend_on_neither_threads_nor_batch(
    tiny: Path, threads: int, optimised: bool
) -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (5, 3, 32, 96)).astype(np.float32)
    expected = onnx_runtime(tiny)(images)
    assert expected.shape == (5, 12, len(CHARACTERS) + 1)
    forward = onnx_forward(tiny / "model.onnx", threads, optimised=optimised)
    np.testing.assert_allclose(forward(images), expected, atol=1e-6)
    np.testing.assert_allclose(
        np.concatenate([forward(i[None]) for i in images]), expected, atol=1e-6
    )
    assert forward(images).dtype == np.float32


def test_a_changed_file_is_refused_unless_it_was_checked_before(tiny: Path) -> None:
    model = onnx.load(tiny / "model.onnx")
    model.doc_string = "changed"
    onnx.save(model, tiny / "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx: not the file that was exported"):
        open_bundle(tiny)
    assert open_bundle(tiny, verify=False).read([line_image("a")])[0].text == "a"


def test_another_runtime_gets_folder_and_threads(tiny: Path) -> None:
    asked = []

    def runtime(root: Path, threads: int):
        asked.append((root, threads))
        return onnx_runtime(root, threads)

    assert open_bundle(tiny, runtime, threads=3).read([line_image("cab")])[0].text == "cab"
    assert asked == [(tiny, 3)]


LIMITED = """
import re, sys
from pathlib import Path
from ocr_lib.errors import UserError
from ocr_lib.inference import runtimes
from ocr_lib.serving.model_repository import build_model_version

runtimes.MAX_NETWORK_BYTES = 256 << 20
for use in (runtimes.open_bundle, lambda root: build_model_version(root, "m", 1)):
    try:
        use(Path(sys.argv[1]))
        print("accepted")
    except UserError as error:
        print(error)
# of this process alone: getrusage begins with the memory of the process that started it
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10)
"""


def with_tensor_of(root: Path, size: int, axis: int = 0, power: int = 0) -> Path:
    """Makes a bundle's network compute a tensor of `size` elements, or of more for larger inputs.

    Args:
        root: the bundle.
        size: times the length of the input's axis to the power.
        axis: of [N, C, H, W].
        power: 0 for a tensor whose size is known when the file is opened.
    """
    model = onnx.load(root / "model.onnx")
    model.graph.initializer.append(numpy_helper.from_array(np.array([size], np.int64), "size_0"))
    (source,) = model.graph.input
    nodes = [helper.make_node("Shape", [source.name], ["length"], start=axis, end=axis + 1)]
    nodes += [
        helper.make_node("Mul", ["length", f"size_{n}"], [f"size_{n + 1}"]) for n in range(power)
    ]
    nodes += [
        helper.make_node("ConstantOfShape", [f"size_{power}"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["zero"], keepdims=0),
        helper.make_node("Add", [source.name, "zero"], ["same"]),
    ]
    for node in model.graph.node:
        node.input[:] = ["same" if name == source.name else name for name in node.input]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    onnx.save(model, root / "model.onnx")
    (root / "bundle.json").unlink()
    write_manifest(root, {"model_name": "tiny"}, PREPROCESS, Charset(CHARACTERS))
    return root


@pytest.mark.parametrize("power", [0, 1])
def test_a_small_file_that_asks_for_a_gib_is_refused(tmp_path: Path, power: int) -> None:
    """Whether the size is known when the file is opened, or follows from the image."""
    root = with_tensor_of(write_bundle(tmp_path / "bundle"), 1 << 28, power=power)
    assert (root / "model.onnx").stat().st_size < 10_000
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, root], capture_output=True, text=True, timeout=120
    )
    *said, peak = done.stdout.splitlines()
    refusal = f"{root}/model.onnx: it takes more than the 256 MiB that a network may. Find out"
    assert [line.startswith(refusal) for line in said] == [True, True], said
    assert int(peak) < 500
    assert done.stderr == ""


WIDE = """
import sys
import numpy as np
from ocr_lib.errors import UserError
from ocr_lib.inference import runtimes

runtimes.MAX_NETWORK_BYTES = 256 << 20
recognizer = runtimes.open_bundle(sys.argv[1])
try:
    recognizer.read([np.tile(np.arange(250, dtype=np.uint8)[None, :, None], (32, 1, 3))])
    print("accepted")
except UserError as error:
    print(error)
"""


def test_a_network_that_takes_too_much_for_wide_lines_only_is_named(tmp_path: Path) -> None:
    """It is opened, as the smallest width fits; a wide one asks for 2 GiB."""
    root = with_tensor_of(write_bundle(tmp_path / "bundle"), 32, axis=3, power=3)
    done = subprocess.run(
        [sys.executable, "-c", WIDE, root], capture_output=True, text=True, timeout=120
    )
    refusal = f"{root}/model.onnx: it takes more than the 256 MiB that a network may. Find out"
    assert done.stdout.startswith(refusal), done
    assert done.stderr == ""
