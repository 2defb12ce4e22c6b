"""Runs an exported network with Paddle's inference engine."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocr_lib.export.paddle_program import describe, unknown_operators
from ocr_lib.inference.bundle import PADDLE_PROGRAM, BundleError
from ocr_lib.inference.recognizer import Forward
from ocr_lib.inference.runtimes import Runtime, onnx_runtime

WEIGHTS = ".pdiparams"  # next to Paddle's program


def paddle_forward(
    root: Path,
    threads: int = 1,
    program: str = PADDLE_PROGRAM,
    *,
    optimised: bool = True,
    traced_here: bool = False,
) -> Forward:
    """Returns a function that runs the Paddle files of a bundle on the CPU.

    With oneDNN, which is two to three times as fast as Paddle's own kernels; without it for
    networks that hold an operator that Paddle cannot hand to oneDNN.

    Args:
        root: the folder.
        threads: CPU threads of one call.
        program: the static graph's file, `.json` or `.pdmodel`; the weights lie beside it.
        optimised: False computes operator by operator, without oneDNN: slower, and rounded as
            other engines round.
        traced_here: the program is this process's own, so that it may have any operator.

    Raises:
        BundleError: it has an operator that may do more than compute.
    """
    if not traced_here:
        _refuse_unknown(root / program)
    try:
        run = _predictor(root / program, threads, onednn=optimised, fuse=optimised)
    except ValueError:  # its passes mistake the shapes of an RNN's single steps
        run = _predictor(root / program, threads, onednn=False)

    def forward(images: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal run
        try:
            return run(images)
        except NotImplementedError:
            run = _predictor(root / program, threads, onednn=False)
            return run(images)

    return forward


def _refuse_unknown(program: Path) -> None:
    try:
        unknown = unknown_operators(program)
    except ValueError as error:
        raise BundleError(str(program), f"no program of Paddle ({error})", "Export again") from None
    if unknown:
        cause = f"has operators that may do more than compute: {describe(unknown)}"
        raise BundleError(str(program), cause, "Run the ONNX file: --backend onnx")


def _predictor(program: Path, threads: int, *, onednn: bool, fuse: bool = True) -> Forward:
    from paddle import inference

    config = inference.Config(str(program), str(program.with_suffix(WEIGHTS)))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(threads)
    config.switch_ir_optim(fuse)
    if onednn:
        config.enable_mkldnn()
    else:
        config.disable_mkldnn()
    predictor = inference.create_predictor(config)
    source = predictor.get_input_handle(predictor.get_input_names()[0])
    target = predictor.get_output_handle(predictor.get_output_names()[0])

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        source.reshape(images.shape)
        source.copy_from_cpu(np.ascontiguousarray(images))
        predictor.run()
        return np.asarray(target.copy_to_cpu(), np.float32)

    return run


RUNTIMES: dict[str, Runtime] = {"onnx": onnx_runtime, "paddle": paddle_forward}
