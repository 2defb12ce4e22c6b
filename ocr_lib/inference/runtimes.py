"""Reading images with an exported model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocr_lib.inference.bundle import ONNX, Bundle, BundleError
from ocr_lib.inference.recognizer import MAX_BATCH_PIXELS, Forward, Recognizer

Runtime = Callable[[Path, int], Forward]  # from a bundle's directory and a number of CPU threads


def onnx_runtime(root: Path, threads: int = 1) -> Forward:
    """Returns a function that runs a bundle's network with ONNX Runtime on the CPU.

    Raises:
        BundleError: the file is no network.
    """
    if not (root / ONNX).is_file():  # a pipe would be waited for
        raise _misfit(root / ONNX, "it is no file")
    try:
        return onnx_forward(root / ONNX, threads)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise _misfit(root / ONNX, error) from error


def open_bundle(
    root: str | Path,
    runtime: Runtime = onnx_runtime,
    *,
    threads: int = 1,
    max_batch_pixels: int = MAX_BATCH_PIXELS,
    verify: bool = True,
) -> Recognizer:
    """Opens an exported model for reading.

    Args:
        root: the bundle's directory.
        runtime: runs the network; `ocr_lib.export.paddle_runtime` has Paddle's inference engine.
        threads: CPU threads of one forward pass. Several readers of one thread each do more
            work per core than one reader of several threads.
        max_batch_pixels: see `Recognizer`.
        verify: checks every file's SHA-256 first.

    Raises:
        BundleError: the bundle is incomplete or damaged, or its network does not read what its
            preprocessing makes, or does not answer with the classes of its dictionary.
    """
    bundle = Bundle.open(root, verify)
    forward = runtime(bundle.root, threads)
    _check_network(bundle, forward)
    return Recognizer(
        bundle.preprocess, bundle.dictionary, forward, max_batch_pixels, decode=bundle.decode
    )


def _check_network(bundle: Bundle, forward: Forward) -> None:
    """Runs the network once, on an empty line of the smallest width, and decodes its answer."""
    preprocess = bundle.preprocess
    shape = 1, preprocess.channels, preprocess.height, preprocess.buckets[0]
    try:
        bundle.decode(forward(np.zeros(shape, np.float32)), bundle.dictionary)
    except Exception as error:  # as above
        raise _misfit(bundle.root / ONNX, error) from error


def _misfit(path: Path, cause: object) -> BundleError:
    reason = (str(cause).splitlines() or [""])[0][:300]
    cause = f"not a network that reads this preprocessing ({reason})"
    return BundleError(str(path), cause, "Export the model again")


def onnx_forward(model: Path, threads: int = 1, *, optimised: bool = True) -> Forward:
    """Returns a function that runs an ONNX file on the CPU.

    Args:
        model: the file; its first input takes [N, C, H, W], its first output gives [N, T, K].
        threads: CPU threads of one call. They sleep between calls: spinning ones take their
            core from the next thread that needs it.
        optimised: False computes operator by operator as the file says: slower, and rounded as
            other engines round.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # it warns of every unused constant
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name

    def forward(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run([output], {name: images})[0], np.float32)

    return forward
