"""Reading images with an exported model."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ocr_lib.bundle import ONNX, PADDLE_PROGRAM, Bundle
from ocr_lib.recognize import MAX_BATCH_PIXELS, Forward, Recognizer
from ocr_lib.text.decoders import DECODERS

Backend = Literal["onnx", "paddle"]
WEIGHTS = ".pdiparams"  # beside Paddle's program


def open_bundle(
    root: str | Path,
    backend: Backend = "onnx",
    *,
    threads: int = 1,
    max_batch_pixels: int = MAX_BATCH_PIXELS,
    verify: bool = True,
) -> Recognizer:
    """Opens an exported model for reading.

    Args:
        root: the bundle's directory.
        backend: what runs the network: ONNX Runtime, or Paddle's inference engine.
        threads: CPU threads of one forward pass. Several readers of one thread each do more
            work per core than one reader of several threads.
        max_batch_pixels: see `Recognizer`.
        verify: checks every file's SHA-256 first.

    Raises:
        BundleError: the bundle is incomplete or damaged.
    """
    bundle = Bundle.open(root, verify)
    if backend == "onnx":
        forward = onnx_forward(bundle.root / ONNX, threads)
    else:
        forward = paddle_forward(bundle.root, threads)
    return Recognizer(
        bundle.preprocess,
        bundle.dictionary,
        forward,
        max_batch_pixels,
        decode=DECODERS[bundle.decoder],
    )


def onnx_forward(model: Path, threads: int = 1, *, optimised: bool = True) -> Forward:
    """Returns a function that runs an ONNX file on the CPU.

    Args:
        model: the file; its first input takes [N, C, H, W], its first output gives [N, T, K].
        threads: CPU threads of one call. They sleep between calls: spinning ones take their
            core from whoever needs it next.
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


def paddle_forward(
    root: Path, threads: int = 1, program: str = PADDLE_PROGRAM, *, optimised: bool = True
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
    """
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
