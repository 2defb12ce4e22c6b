"""PP-OCRv3's and v4's head: CTC, and in training a second head that guides the backbone."""

from dataclasses import dataclass, field
from typing import Any

from paddle import Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import TruncatedNormal

from ocr_lib.config.component import Table
from ocr_lib.config.location import FieldError, SourceLocation
from ocr_lib.config.parse import ComponentConfig, parse
from ocr_lib.models.heads.ctc import CTCHead
from ocr_lib.models.heads.sar import SARHead
from ocr_lib.models.heads.transformer import Transformer
from ocr_lib.models.necks.sequence_encoder import SequenceEncoder
from ocr_lib.models.parts import build
from ocr_lib.models.targets import Batch
from ocr_lib.nearest import nearest

HEAD = SourceLocation(("Architecture", "Head"), {})


class FCTranspose(nn.Layer):
    """[N, C, T] → [N, T, C'], through a linear layer without bias."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels, bias_attr=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, T] → [N, T, C']."""
        return self.fc(x.transpose([0, 2, 1]))


class AddPos(nn.Layer):
    """Adds a learnt position to at most `length` columns."""

    def __init__(self, channels: int, length: int = 80) -> None:
        super().__init__()
        self.dec_pos_embed = self.create_parameter(
            [1, length, channels], default_initializer=TruncatedNormal(std=0.02)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, C] → [N, T, C]."""
        return x + self.dec_pos_embed[:, : x.shape[1]]


class NRTRGuide(Transformer):
    """The decoder of NRTR alone, as the guiding head of PP-OCRv4.

    Args:
        config: its arguments.
        num_classes: CTC classes.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            nrtr_dim: width; a head is 32 wide.
            max_text_length: longest text, with start and end.
            num_decoder_layers: decoder blocks.
        """

        nrtr_dim: int = 256
        max_text_length: int = 25
        num_decoder_layers: int = 4

    def __init__(self, config: Config, num_classes: int) -> None:
        decoder = Transformer.Config(
            d_model=config.nrtr_dim,
            nhead=config.nrtr_dim // 32,
            num_encoder_layers=-1,
            num_decoder_layers=config.num_decoder_layers,
            max_len=config.max_text_length,
            dim_feedforward=config.nrtr_dim * 4,
        )
        super().__init__(decoder, num_classes)
        self.width = config.nrtr_dim


@dataclass(frozen=True, kw_only=True)
class CTCEntry:
    """The CTC head of a multi-head.

    Attributes:
        neck: the arguments of a SequenceEncoder, its `encoder_type` as `name`.
        head: the arguments of a CTCHead.
    """

    neck: dict[str, Any] = field(default_factory=dict, metadata={"key": "Neck"})
    head: dict[str, Any] = field(default_factory=dict, metadata={"key": "Head"})


HEADS: Table = {"CTCHead": CTCEntry, "SARHead": SARHead, "NRTRHead": NRTRGuide}


class MultiHead(nn.Layer):
    """A CTC head with a neck of its own, and SAR's or NRTR's head beside it in training.

    Args:
        config: its arguments.
        in_channels: channels of the feature map.
        num_classes: CTC classes.
        location: where the configuration describes it.

    Source: Li et al., "PP-OCRv3" (2022); PaddleOCR ppocr/modeling/heads/rec_multi_head.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            head_list: `{CTCHead: {Neck: {name, …}, Head: {…}}}` and `{SARHead: {…}}` or
                `{NRTRHead: {…}}`.
            use_pos: adds learnt positions to what NRTR reads.
            use_pool: averages 3 x 2 cells of a backbone's sequence [N, 3 · W, C] first.
        """

        head_list: tuple[ComponentConfig, ...]
        use_pos: bool = False
        use_pool: bool = False

        def __post_init__(self) -> None:
            for i, entry in enumerate(self.head_list):
                if entry.name not in HEADS:
                    cause = f"is {entry.name!r}, which is not known"
                    fix = nearest(entry.name, HEADS)
                    raise FieldError(self, ("head_list", i), cause, fix)
            if not any(entry.name == "CTCHead" for entry in self.head_list):
                cause, fix = "has no CTCHead", "Add one: it is what reads in the end"
                raise FieldError(self, "head_list", cause, fix)

    def __init__(
        self, config: Config, in_channels: int, num_classes: int, location: SourceLocation = HEAD
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.use_pool = config.use_pool
        self.guide: str | None = None
        for i, entry in enumerate(config.head_list):
            entry_location = location.child("head_list", i, entry.name)
            if entry.name == "CTCHead":
                self._add_ctc(
                    parse(CTCEntry, entry.args, entry_location, entry.name),
                    num_classes,
                    entry_location,
                )
            elif entry.name == "SARHead":
                self.guide = "sar"
                self.sar_head = build(
                    SARHead,
                    entry.args,
                    entry_location,
                    in_channels=in_channels,
                    num_classes=num_classes,
                )
            else:
                self.guide = "nrtr"
                self.gtc_head = build(
                    NRTRGuide, entry.args, entry_location, num_classes=num_classes
                )
                width = self.gtc_head.width
                layers = [nn.Flatten(2), FCTranspose(in_channels, width)]
                if config.use_pos:
                    layers.append(AddPos(width))
                self.before_gtc = nn.Sequential(*layers)

    def _add_ctc(self, entry: CTCEntry, num_classes: int, location: SourceLocation) -> None:
        neck = dict(entry.neck)
        self.ctc_encoder = build(
            SequenceEncoder,
            {"encoder_type": neck.pop("name", "reshape"), **neck},
            location.child("Neck"),
            in_channels=self.in_channels,
        )
        self.ctc_head = build(
            CTCHead,
            entry.head,
            location.child("Head"),
            in_channels=self.ctc_encoder.out_channels,
            num_classes=num_classes,
        )

    def forward(self, features: Tensor, targets: Batch | None = None) -> Tensor | dict[str, Tensor]:
        """Map [N, C, H, W] → CTC probabilities [N, T, classes] in evaluation.

        In training: a dict of `ctc` (logits), `ctc_neck` (what the CTC head read) and the guiding
        head's logits as `sar` or `nrtr`.
        """
        if self.use_pool:
            features = features.reshape([0, 3, -1, self.in_channels]).transpose([0, 3, 1, 2])
            features = functional.avg_pool2d(features, [3, 2])
        neck = self.ctc_encoder(features)
        ctc = self.ctc_head(neck)
        if not self.training:
            return ctc
        outputs = {"ctc": ctc, "ctc_neck": neck}
        if self.guide == "sar":
            outputs["sar"] = self.sar_head(features, targets)
        elif self.guide == "nrtr":
            outputs["nrtr"] = self.gtc_head(self.before_gtc(features), targets)
        return outputs
