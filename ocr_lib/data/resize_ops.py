"""PaddleOCR's resize operations: each the dataclass of its arguments, and what they mean here.

Source: PaddleOCR ppocr/data/imaug/rec_img_aug.py.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ocr_lib.config.checks import above
from ocr_lib.config.component import Table, parse_component
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.errors import ConfigError

if TYPE_CHECKING:  # Triton has no YAML, and reads no configuration
    from ocr_lib.config.schema import Config

WHERE = ("Eval", "dataset", "transforms")
Buckets = tuple[int, ...] | None


class ResizeOp(ABC):
    """A resize operation."""

    @abstractmethod
    def preprocess(self, buckets: Buckets) -> dict[str, Any]:
        """Returns the arguments of `Preprocess`.

        Args:
            buckets: `Global.width_buckets`, px; they take the place of the operation's one width.

        Raises:
            ConfigError: the operation does not take them.
        """


@dataclass(frozen=True, kw_only=True)
class SVTRRecResizeImg(ResizeOp):
    """Colour or grey, padded on the right or stretched.

    Attributes:
        image_shape: channels, height and width in px.
        padding: False stretches to the width.
    """

    image_shape: tuple[int, int, int] = field(
        metadata={"form": "[channels, height, width], for example [3, 48, 320]"}
    )
    padding: bool = True

    def preprocess(self, buckets: Buckets) -> dict[str, Any]:
        """Returns the arguments of `Preprocess`."""
        channels, height, width = self.image_shape
        widths = {"buckets": tuple(buckets or (width,)), "keep_ratio": self.padding}
        return {"height": height, "channels": channels, **widths}


class RecResizeImg(SVTRRecResizeImg):
    """As `SVTRRecResizeImg`, with keys of PaddleOCR that change nothing here."""

    IGNORED: ClassVar = ("eval_mode", "infer_mode", "character_dict_path")


@dataclass(frozen=True, kw_only=True)
class GrayRecResizeImg(ResizeOp):
    """Grey, stretched by Pillow's filter or OpenCV's; or padded, as `SVTRRecResizeImg`.

    Attributes:
        image_shape: width and height in px; with padding channels, height and width.
        resize_type: whose filter.
        inter_type: of Pillow's filters LANCZOS alone, under any of its names.
        padding: pad on the right.
        scale: must be true: grey values become x / 128 - 1.
    """

    image_shape: tuple[int, ...] = field(
        metadata={"form": "[width, height], for example [100, 32]"}
    )
    resize_type: Literal["PIL", "OpenCV"] = "PIL"
    inter_type: str = "LANCZOS"
    padding: bool = False
    scale: bool = True

    def __post_init__(self) -> None:
        count, form = (3, "[channels, height, width]") if self.padding else (2, "[width, height]")
        if len(self.image_shape) != count:
            raise FieldError(self, "image_shape", f"is {list(self.image_shape)}", f"Write {form}")
        name = self.inter_type.rpartition(".")[2]
        if self.resize_type == "PIL" and name not in ("LANCZOS", "ANTIALIAS"):
            raise FieldError(self, "inter_type", f"is {name}", "Write LANCZOS")
        if not self.scale:
            raise FieldError(self, "scale", "only true is available", "Leave it out")

    def preprocess(self, buckets: Buckets) -> dict[str, Any]:
        """Returns the arguments of `Preprocess`."""
        if self.padding:
            _, height, width = self.image_shape
        else:
            width, height = self.image_shape
        pillow = self.resize_type == "PIL" and not self.padding
        return {
            "height": height,
            "buckets": tuple(buckets or (width,)),
            "channels": 1,
            "keep_ratio": self.padding,
            "filter": "lanczos" if pillow else "linear",
            "scale": "128",
        }


@dataclass(frozen=True, kw_only=True)
class SARRecResizeImg(ResizeOp):
    """Every image at a width of its own.

    PaddleOCR pads them to one width and tells the network how much of it is image, to look at that
    part alone. Images of their own width give it the same part without being told.

    Attributes:
        image_shape: channels, height, least and largest width in px.
        width_downsample_ratio: what the backbone leaves of a width; widths are multiples of its
            inverse.
    """

    image_shape: tuple[int, int, int, int] = field(
        metadata={
            "form": "[channels, height, least width, largest width], for example [3, 48, 48, 160]"
        }
    )
    width_downsample_ratio: float = 0.25

    def __post_init__(self) -> None:
        above(self, 0, "width_downsample_ratio")

    def preprocess(self, buckets: Buckets) -> dict[str, Any]:
        """Returns the arguments of `Preprocess`."""
        channels, height, narrowest, widest = self.image_shape
        step = round(1 / self.width_downsample_ratio)
        if buckets:
            cause = f"images keep their own widths, from {narrowest} to {widest} px by {step}"
            where = "Global.width_buckets"
            raise ConfigError(where, f"SARRecResizeImg: {cause}", "Leave width_buckets out")
        return {
            "height": height,
            "buckets": (*range(narrowest, widest, step), widest),
            "channels": channels,
            "min_width": narrowest,
            "width_step": step,
        }


RESIZE_OPS: Table = {
    "RecResizeImg": RecResizeImg,
    "SVTRRecResizeImg": SVTRRecResizeImg,
    "GrayRecResizeImg": GrayRecResizeImg,
    "NRTRRecResizeImg": GrayRecResizeImg,
    "SARRecResizeImg": SARRecResizeImg,
}


def read_resize_op(config: "Config") -> dict[str, Any]:
    """Returns the arguments of `Preprocess` that the Eval transforms ask for.

    Args:
        config: a `Config`; its `Global.width_buckets` take the place of the operation's one width.

    Raises:
        ConfigError: no resize operation, or a wrong shape or argument.
    """
    for part in config.eval.dataset.transforms:
        if part.name in RESIZE_OPS:
            op: ResizeOp = parse_component(
                RESIZE_OPS, part, SourceLocation((*WHERE, part.name), {})
            )
            turn_tall = config.global_.turn_tall_lines
            return op.preprocess(config.global_.width_buckets) | {"turn_tall": turn_tall}
    names = ", ".join(RESIZE_OPS)
    where = ".".join(WHERE)
    raise ConfigError(where, "no resize operation", f"Add one with its image_shape: {names}")
