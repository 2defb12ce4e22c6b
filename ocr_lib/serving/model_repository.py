"""The files of a Triton model repository, built from a bundle; nothing here talks to a server.

Two models: `<name>` takes encoded images and answers text; `<name>_core` takes the normalised
tensor and answers probabilities. Both carry the same version number, and version V of the first
calls version V of the second, so that a request never meets parts of two versions.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle import DICTIONARY, MANIFEST, ONNX, Bundle, BundleError
from ocr_lib.inference.runtimes import network_error, onnx_session
from ocr_lib.registry.production import CORE_SUFFIX
from ocr_lib.regular_file import read_bounded
from ocr_lib.serving.limits import (
    INSTANCES,
    MAX_BATCH,
    MAX_IMAGE_BYTES,
    MAX_IMAGE_PIXELS,
    MAX_IMAGES,
)

MAX_MODEL_BYTES = 2 << 30  # of an ONNX file: protobuf has no more
TYPICAL_BATCH = 8
PRECISIONS = ("FP32", "FP16", "BF16")
QUEUE_TIMEOUT_US = 10_000_000  # a request that waited longer is refused rather than answered late
QUEUE_SIZE = 256  # requests of one priority; further ones are refused at once
INTERACTIVE, BULK = 1, 2  # priorities: 1 is answered before 2

# The code is not part of a version: it belongs to the image that serves, as ocr_lib does.
MODEL_PY = '''"""Encoded images in, text out, by the code of the package that the server carries."""

from ocr_lib.serving.text_model import TritonPythonModel

__all__ = ["TritonPythonModel"]
'''

Config = dict[str, Any]


@dataclass(frozen=True)
class ModelVersion:
    """One version of the two models.

    Attributes:
        name: the text model's name.
        version: the version number of both.
        configs: model name → its configuration, as Triton's JSON, serving this version alone.
        files: model name → file name → content of its version directory.
    """

    name: str
    version: int
    configs: dict[str, Config]
    files: dict[str, dict[str, bytes]]

    @property
    def core(self) -> str:
        """The tensor model's name."""
        return self.name + CORE_SUFFIX

    def renamed(self, name: str) -> "ModelVersion":
        """Returns the same two models under another name."""
        core = name + CORE_SUFFIX
        text = with_core_model(self.configs[self.name], core)
        configs = {core: {**self.configs[self.core], "name": core}, name: {**text, "name": name}}
        files = {core: self.files[self.core], name: self.files[self.name]}
        return ModelVersion(name, self.version, configs, files)


def build_model_version(
    bundle: Path, name: str, version: int, *, every_width: bool = False, tensorrt: str = ""
) -> ModelVersion:
    """Builds both models of a bundle.

    Args:
        bundle: folder with `bundle.json`, `model.onnx` and `dictionary.txt`; those are checked.
        name: the model's name.
        version: its version, 1 or more.
        every_width: runs the network at every width bucket, not only at the smallest.
        tensorrt: `FP32`, `FP16` or `BF16` has servers with a GPU run the network by TensorRT, with
            one profile for each width bucket; "" leaves it to ONNX Runtime.

    Raises:
        BundleError: the bundle is damaged, or network, dictionary and preprocessing do not fit.
    """
    opened = Bundle.open(bundle, verify=False)  # may hold these files only
    opened.check_files(ONNX, DICTIONARY)
    core = name + CORE_SUFFIX
    core_config = _core_config(core, opened, every_width)
    if tensorrt:
        core_config["optimization"] = _tensorrt(core_config, tensorrt)
    configs = {core: core_config, name: _text_config(name, core_config, opened.digest)}
    for config in configs.values():
        config["version_policy"] = serve_versions(version)
    text_files = {file: read_bounded(bundle / file) for file in (MANIFEST, DICTIONARY)}
    return ModelVersion(
        name,
        version,
        configs,
        {
            core: {ONNX: read_bounded(bundle / ONNX, MAX_MODEL_BYTES)},
            name: {"model.py": MODEL_PY.encode(), **text_files},
        },
    )


def build_model_repository(bundle: Path, name: str, version: int) -> dict[str, bytes]:
    """Returns every file of a repository that serves one version: relative path → content."""
    built = build_model_version(bundle, name, version)
    files = {f"{model}/config.pbtxt": to_pbtxt(config) for model, config in built.configs.items()}
    for model, contents in built.files.items():
        files.update({f"{model}/{version}/{file}": data for file, data in contents.items()})
    return files


def serve_versions(*versions: int) -> Config:
    """Returns the version policy that serves exactly these versions."""
    return {"specific": {"versions": sorted(set(versions))}}


def with_core_model(config: Config, core: str) -> Config:
    """Returns a text model's configuration with another tensor model to call."""
    return {**config, "parameters": {**config["parameters"], "core": {"string_value": core}}}


def to_pbtxt(config: Config) -> bytes:
    """Writes a configuration as the text that `config.pbtxt` holds; unknown fields are errors."""
    message = json_format.ParseDict(config, ModelConfig())
    return str(text_format.MessageToString(message)).encode()


def to_json(config: Config) -> str:
    """Writes a configuration as the JSON that Triton's load call takes."""
    return json.dumps(config)


def _text_config(name: str, core: Config, digest: str) -> Config:
    def tensor(title: str, kind: str) -> Config:
        return {"name": title, "data_type": kind, "dims": [1]}

    return {
        "name": name,
        "backend": "python",
        "default_model_filename": "model.py",
        "max_batch_size": MAX_IMAGES,
        "input": [tensor("IMAGE", "TYPE_STRING")],
        "output": [
            tensor("TEXT", "TYPE_STRING"),
            tensor("SCORE", "TYPE_FP32"),
            tensor("ERROR", "TYPE_STRING"),
            tensor("CHAR_SCORES", "TYPE_STRING"),
        ],
        "instance_group": [{"kind": "KIND_CPU", "count": INSTANCES}],
        "dynamic_batching": {
            "priority_levels": BULK,
            "default_priority_level": INTERACTIVE,
            "default_queue_policy": _queue_policy(),
        },
        "parameters": {
            key: {"string_value": value}
            for key, value in {
                "core": core["name"],
                "core_input": core["input"][0]["name"],
                "core_output": core["output"][0]["name"],
                "core_max_batch": str(core["max_batch_size"]),
                "bundle_digest": digest,
                "max_image_bytes": str(MAX_IMAGE_BYTES),
                "max_image_pixels": str(MAX_IMAGE_PIXELS),
            }.items()
        },
    }


def _core_config(name: str, bundle: Bundle, every_width: bool) -> Config:
    """Describes the network: tensors as the ONNX file names them, every bucket warmed up."""
    preprocess = bundle.preprocess
    input_name, output_name = _tensor_names(bundle, every_width)
    pixels = [preprocess.channels, preprocess.height]
    classes = bundle.dictionary.num_classes
    return {
        "name": name,
        "backend": "onnxruntime",
        "default_model_filename": ONNX,
        "max_batch_size": MAX_BATCH,
        "input": [{"name": input_name, "data_type": "TYPE_FP32", "dims": [*pixels, -1]}],
        "output": [{"name": output_name, "data_type": "TYPE_FP32", "dims": [-1, classes]}],
        # Two runs of one thread each do more work per core than one run of two threads.
        "instance_group": [{"kind": "KIND_AUTO", "count": INSTANCES}],
        "parameters": {"intra_op_thread_count": {"string_value": "1"}},
        "dynamic_batching": {"default_queue_policy": _queue_policy()},
        "model_warmup": [_warmup(input_name, [*pixels, width]) for width in preprocess.buckets],
    }


def _tensorrt(core: Config, precision: str) -> Config:
    """Has TensorRT plan for the widths that are warmed up, and for no others.

    Without profiles it would plan again, for half a minute or more, at every width it meets first.

    Source: onnxruntime_backend's `execution_accelerators`; ONNX Runtime's explicit shape ranges,
    where an input that is named again opens another profile.
    """
    if precision not in PRECISIONS:
        raise ConfigError(
            "OCR_TRITON_TENSORRT",
            f"{precision!r} is no precision",
            f"Use {' or '.join(PRECISIONS)}",
        )
    samples = [sample["inputs"].items() for sample in core["model_warmup"]]
    shapes = [(name, "x".join(map(str, t["dims"]))) for ((name, t),) in samples]

    def profiles(batch: int) -> str:
        return ",".join(f"{name}:{batch}x{dims}" for name, dims in shapes)

    parameters = {
        "precision_mode": precision,
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": "/tmp/tensorrt",  # noqa: S108 - the server's own container
        "trt_profile_min_shapes": profiles(1),
        "trt_profile_opt_shapes": profiles(TYPICAL_BATCH),
        "trt_profile_max_shapes": profiles(core["max_batch_size"]),
    }
    accelerator = {"name": "tensorrt", "parameters": parameters}
    return {"execution_accelerators": {"gpu_execution_accelerator": [accelerator]}}


def _warmup(input_name: str, dims: list[int]) -> Config:
    tensor = {"data_type": "TYPE_FP32", "dims": dims, "zero_data": True}
    return {"name": f"width-{dims[-1]}", "batch_size": 1, "inputs": {input_name: tensor}}


def _queue_policy() -> Config:
    return {
        "timeout_action": "REJECT",
        "default_timeout_microseconds": QUEUE_TIMEOUT_US,
        "allow_timeout_override": True,
        "max_queue_size": QUEUE_SIZE,
    }


def _tensor_names(bundle: Bundle, every_width: bool) -> tuple[str, str]:
    """Returns the names of the network's input and output after checking that the parts fit.

    Raises:
        BundleError: the network does not run on what the preprocessing makes, or does not answer
            with the classes of the dictionary.
    """
    path, preprocess = bundle.root / ONNX, bundle.preprocess
    try:
        session = onnx_session(path)
        (source,), (target,) = session.get_inputs(), session.get_outputs()
        batch, channels, height, width = source.shape
        shapes = []
        for bucket in preprocess.buckets if every_width else preprocess.buckets[:1]:
            sample = np.zeros((2, preprocess.channels, preprocess.height, bucket), np.float32)
            for lines in (sample[:1], sample):
                answer = session.run([target.name], {source.name: lines})[0]
                shapes.append((len(lines), answer.shape))
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise network_error(path, error) from error
    if isinstance(batch, int) or isinstance(width, int):
        raise _misfit(path, f"fixed batch size or width in its input {source.shape}")
    if [channels, height] != [preprocess.channels, preprocess.height]:
        raise _misfit(path, f"its input {source.shape} is not what {preprocess} makes")
    classes = bundle.dictionary.num_classes
    for count, shape in shapes:
        if len(shape) != 3 or shape[::2] != (count, classes):
            raise _misfit(
                path, f"it answers {shape} to {count}, the dictionary has {classes} classes"
            )
    return str(source.name), str(target.name)


def _misfit(path: Path, cause: str) -> BundleError:
    return BundleError(str(path), cause, "Export the model again")
