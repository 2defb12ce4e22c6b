"""PaddleOCR's resize operations, read from a configuration as arguments of `Preprocess`.

Source: PaddleOCR ppocr/data/imaug/rec_img_aug.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ocr_lib.errors import ConfigError

WHERE = "Eval.dataset.transforms"


def read_resize_op(config: Any) -> dict[str, Any]:
    """Returns the arguments of `Preprocess` that the Eval transforms ask for.

    Args:
        config: a `Config`; its `Global.width_buckets` take the place of the operation's one width.

    Raises:
        ConfigError: no resize operation, or a wrong shape or argument.
    """
    for part in config.eval.dataset.transforms:
        if part.name in RESIZE_OPS:
            buckets = config.global_.width_buckets
            return RESIZE_OPS[part.name](part.args, buckets, f"{WHERE}.{part.name}")
    names = ", ".join(RESIZE_OPS)
    raise ConfigError(WHERE, "no resize operation", f"Add one with its image_shape: {names}")


def _padded(args: Mapping[str, Any], buckets: Any, where: str) -> dict[str, Any]:
    """RecResizeImg, SVTRRecResizeImg: colour or grey, padded on the right or stretched."""
    channels, height, width = _shape(args, 3, where)
    keep_ratio = bool(args.get("padding", True))
    widths = {"buckets": tuple(buckets or (width,)), "keep_ratio": keep_ratio}
    return {"height": height, "channels": channels, **widths}


def _grey(args: Mapping[str, Any], buckets: Any, where: str) -> dict[str, Any]:
    """GrayRecResizeImg: grey, stretched by Pillow or OpenCV; or padded, as `_padded`."""
    if args.get("padding"):
        found = _padded(args, buckets, where)
        return {**found, "channels": 1, "scale": "128"}
    width, height = _shape(args, 2, where)
    kind = args.get("resize_type", "PIL")
    if kind not in ("PIL", "OpenCV"):
        raise ConfigError(f"{where}.resize_type", f"is {kind!r}", "Write PIL or OpenCV")
    filter_name = str(args.get("inter_type", "LANCZOS")).rpartition(".")[2]
    if kind == "PIL" and filter_name not in ("LANCZOS", "ANTIALIAS"):
        raise ConfigError(f"{where}.inter_type", f"is {filter_name}", "Write LANCZOS")
    if args.get("scale", True) is not True:
        raise ConfigError(f"{where}.scale", "only true is available", "Leave it out")
    return {
        "height": height,
        "buckets": tuple(buckets or (width,)),
        "channels": 1,
        "keep_ratio": False,
        "filter": "lanczos" if kind == "PIL" else "linear",
        "scale": "128",
    }


def _sar(args: Mapping[str, Any], buckets: Any, where: str) -> dict[str, Any]:
    """SARRecResizeImg: every image at a width of its own.

    PaddleOCR pads them to one width and tells the network how much of it is image, to look at that
    part alone. Images of their own width give it the same part without being told.
    """
    channels, height, narrowest, widest = _shape(args, 4, where)
    step = round(1 / float(args.get("width_downsample_ratio", 0.25)))
    if buckets:
        cause = f"images keep their own widths, from {narrowest} to {widest} px by {step}"
        raise ConfigError("Global.width_buckets", f"{where}: {cause}", "Leave width_buckets out")
    return {
        "height": height,
        "buckets": (*range(narrowest, widest, step), widest),
        "channels": channels,
        "min_width": narrowest,
        "width_step": step,
    }


def _shape(args: Mapping[str, Any], count: int, where: str) -> list[int]:
    shape = args.get("image_shape")
    if not isinstance(shape, list | tuple) or [type(n) for n in shape] != [int] * count:
        form, example = _SHAPES[count]
        raise ConfigError(
            f"{where}.image_shape",
            f"{shape!r} is not {form}",
            f"Give {count} whole numbers, for example {example}",
        )
    return list(shape)


_SHAPES = {
    2: ("[width, height]", [100, 32]),
    3: ("[channels, height, width]", [3, 48, 320]),
    4: ("[channels, height, least width, largest width]", [3, 48, 48, 160]),
}
RESIZE_OPS: Mapping[str, Callable[[Mapping[str, Any], Any, str], dict[str, Any]]] = {
    "RecResizeImg": _padded,
    "SVTRRecResizeImg": _padded,
    "GrayRecResizeImg": _grey,
    "NRTRRecResizeImg": _grey,
    "SARRecResizeImg": _sar,
}
