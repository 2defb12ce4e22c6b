"""PP-OCRv3's and v4's head: CTC, and in training a second head that guides the backbone."""

from collections.abc import Mapping, Sequence
from typing import Any

from paddle import Tensor, nn
from paddle.nn import functional
from paddle.nn.initializer import TruncatedNormal

from ocr_lib.algorithms import ALGORITHMS
from ocr_lib.errors import ConfigError
from ocr_lib.models.heads.ctc import CTCHead
from ocr_lib.models.heads.sar import SARHead
from ocr_lib.models.heads.transformer import Transformer
from ocr_lib.models.necks.sequence_encoder import SequenceEncoder
from ocr_lib.models.parts import call_checked, choose
from ocr_lib.models.targets import Batch

WHERE = "Architecture.Head.head_list"
HEAD_NAMES = tuple(a.multi_head_entry for a in ALGORITHMS.values() if a.multi_head_entry)


class FCTranspose(nn.Layer):
    """[N, C, T] → [N, T, C'], through a linear layer without bias."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels, bias_attr=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, T] → [N, T, C']."""
        return self.fc(x.transpose([0, 2, 1]))


class AddPos(nn.Layer):
    """Adds a learnt position to at most `length` columns."""

    def __init__(self, channels: int, length: int = 80):
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
        num_classes: CTC classes.
        nrtr_dim: width; a head is 32 wide.
        max_text_length: longest text, with start and end.
        num_decoder_layers: decoder blocks.
    """

    def __init__(
        self,
        num_classes: int,
        nrtr_dim: int = 256,
        max_text_length: int = 25,
        num_decoder_layers: int = 4,
    ):
        super().__init__(
            num_classes,
            d_model=nrtr_dim,
            nhead=nrtr_dim // 32,
            num_encoder_layers=-1,
            num_decoder_layers=num_decoder_layers,
            max_len=max_text_length,
            dim_feedforward=nrtr_dim * 4,
        )
        self.width = nrtr_dim


class MultiHead(nn.Layer):
    """A CTC head with a neck of its own, and SAR's or NRTR's head beside it in training.

    Args:
        in_channels: channels of the feature map.
        num_classes: CTC classes.
        head_list: `{CTCHead: {Neck: {name, …}, Head: {…}}}` and `{SARHead: {…}}` or
            `{NRTRHead: {…}}`.
        use_pos: adds learnt positions to what NRTR reads.
        use_pool: averages 3 x 2 cells of a backbone's sequence [N, 3 · W, C] first.

    Source: Li et al., "PP-OCRv3" (2022); PaddleOCR ppocr/modeling/heads/rec_multi_head.py.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        head_list: Sequence[Mapping[str, Any]],
        use_pos: bool = False,
        use_pool: bool = False,
    ):
        super().__init__()
        self.in_channels = in_channels
        self.use_pool = use_pool
        self.guide: str | None = None
        for i, entry in enumerate(head_list):
            where = f"{WHERE}[{i}]"
            name, arguments = _name_and_arguments(entry, where)
            where = f"{where}.{name}"
            if name == "CTCHead":
                self._add_ctc(arguments, num_classes, where)
            elif name == "SARHead":
                self.guide = "sar"
                self.sar_head = call_checked(
                    SARHead, arguments, where, in_channels=in_channels, num_classes=num_classes
                )
            else:
                self.guide = "nrtr"
                self._add_nrtr(arguments, num_classes, use_pos, where)
        if not hasattr(self, "ctc_head"):
            raise ConfigError(WHERE, "no CTCHead is in it", "Add one: it is what reads in the end")

    def _add_ctc(self, arguments: Mapping[str, Any], num_classes: int, where: str) -> None:
        for key in arguments:
            choose(key, ("Neck", "Head"), f"{where}.{key}")
        neck = dict(arguments.get("Neck") or {"name": "reshape"})
        neck["encoder_type"] = neck.pop("name", "reshape")
        self.ctc_encoder = call_checked(
            SequenceEncoder, neck, f"{where}.Neck", in_channels=self.in_channels
        )
        self.ctc_head = call_checked(
            CTCHead,
            arguments.get("Head") or {},
            f"{where}.Head",
            in_channels=self.ctc_encoder.out_channels,
            num_classes=num_classes,
        )

    def _add_nrtr(
        self, arguments: Mapping[str, Any], num_classes: int, use_pos: bool, where: str
    ) -> None:
        self.gtc_head = call_checked(NRTRGuide, arguments, where, num_classes=num_classes)
        width = self.gtc_head.width
        layers = [nn.Flatten(2), FCTranspose(self.in_channels, width)]
        if use_pos:
            layers.append(AddPos(width))
        self.before_gtc = nn.Sequential(*layers)

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


def _name_and_arguments(entry: Mapping[str, Any], where: str) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise ConfigError(where, "it is not one name with its arguments", "Write - CTCHead: {…}")
    ((name, arguments),) = entry.items()
    choose(name, HEAD_NAMES, where)
    return name, arguments or {}
