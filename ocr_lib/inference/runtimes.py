"""Reading images with an exported model."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocr_lib.inference.bundle import ONNX, Bundle, BundleError
from ocr_lib.inference.recognizer import MAX_BATCH_PIXELS, Forward, Recognizer

MAX_NETWORK_BYTES = 4 << 30  # of the tensors that all networks of a process have at a time
MAX_FOLDED_BYTES = 64 << 20  # of a constant that is computed when a network is opened
OUT_OF_MEMORY = "BFCArena"  # ONNX Runtime's name of the arena, in what it says of its limit
Runtime = Callable[[Path, int], Forward]  # from a bundle's directory and a number of CPU threads


def onnx_runtime(root: Path, threads: int = 1) -> Forward:
    """Returns a function that runs a bundle's network with ONNX Runtime on the CPU.

    Raises:
        BundleError: the file is no network.
    """
    if not (root / ONNX).is_file():  # a pipe would be waited for
        raise network_error(root / ONNX, "it is no file")
    try:
        return onnx_forward(root / ONNX, threads)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise network_error(root / ONNX, error) from error


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
    except BundleError:  # the runtime has said it
        raise
    except Exception as error:  # as above
        raise network_error(bundle.root / ONNX, error) from error


def network_error(path: Path, cause: object) -> BundleError:
    """Returns the error of a network that could not be run, for what its runtime says.

    Args:
        path: its file.
        cause: the runtime's exception, or a reason.
    """
    reason = (str(cause).splitlines() or [""])[0]
    if OUT_OF_MEMORY in reason:
        most = f"it takes more than the {MAX_NETWORK_BYTES >> 20:,} MiB that a network may"
        return BundleError(str(path), most, "Find out where it comes from, or export a smaller one")
    cause = f"not a network that reads this preprocessing ({reason[:300]})"
    return BundleError(str(path), cause, "Export the model again")


def onnx_session(model: Path, threads: int = 1, *, optimised: bool = True) -> Any:
    """Opens an ONNX file on the CPU, as an `onnxruntime.InferenceSession`.

    A file from elsewhere may ask for any amount of memory in a few bytes. All sessions of a
    process share an arena of `MAX_NETWORK_BYTES`, and a run that needs more raises. Constants that
    are computed when the file is opened have up to `MAX_FOLDED_BYTES` each; larger ones are
    computed in each run.

    Args:
        model: the file.
        threads: see `onnx_forward`.
        optimised: see `onnx_forward`.
    """
    import onnxruntime

    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it logs of a failure is in the exception too
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    folded = "optimization.constant_folding_max_output_size_in_bytes"  # outside of the arena
    options.add_session_config_entry(folded, str(MAX_FOLDED_BYTES))
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


@cache
def _limit_memory() -> None:
    """Gives the networks of this process the arena that they share, once."""
    import onnxruntime as ort

    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    as_usual = -1  # how it grows
    arena = ort.OrtArenaCfg(MAX_NETWORK_BYTES, as_usual, as_usual, as_usual)
    ort.create_and_register_allocator(memory, arena)


def onnx_forward(model: Path, threads: int = 1, *, optimised: bool = True) -> Forward:
    """Returns a function that runs an ONNX file on the CPU.

    The function raises `BundleError` where the network cannot be run: some take images of one width
    and not of another, or more memory than `MAX_NETWORK_BYTES`.

    Args:
        model: the file; its first input takes [N, C, H, W], its first output gives [N, T, K].
        threads: CPU threads of one call. They sleep between calls: spinning ones take their
            core from the next thread that needs it.
        optimised: False computes operator by operator as the file says: slower, and rounded as
            other engines round.
    """
    session = onnx_session(model, threads, optimised=optimised)
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name

    def forward(images: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return np.asarray(session.run([output], {name: images})[0], np.float32)
        except Exception as error:  # as above
            raise network_error(model, error) from error

    return forward
