"""CTC with helpers: ACE counts the characters, center loss draws each one's features together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.errors import ConfigError
from ocr_lib.losses.ctc import CTCLoss, Outputs, features_of, logits_of
from ocr_lib.models.targets import Batch


class ACELoss(nn.Layer):
    """Cross-entropy between how often each class is seen and how often it should be.

    Source: Xie et al., "Aggregation Cross-Entropy for Sequence Recognition" (2019). PaddleOCR's
    ppocr/losses/ace_loss.py takes a softmax of the shares once more; here it is the paper's.
    """

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """CTC logits [N, T, K], or features and logits → `loss_ace`, a scalar."""
        logits = logits_of(outputs)
        steps, classes = logits.shape[1:]
        seen = functional.softmax(logits, axis=-1).mean(axis=1)
        counts = functional.one_hot(batch["label_ctc"].astype("int64"), classes).sum(axis=1)
        blanks = steps - batch["length"].astype(counts.dtype)
        counts = paddle.concat([blanks.unsqueeze(1), counts[:, 1:]], axis=1)
        loss = -(counts / steps * paddle.log(seen + 1e-10)).sum(axis=1).mean()
        return {"loss_ace": loss}


class CenterLoss(nn.Layer):
    """Mean squared distance of each column's features from the center of the class it shows.

    Args:
        config: its arguments.

    Source: Wen et al., "A Discriminative Feature Learning Approach for Deep Face Recognition"
    (2016); PaddleOCR ppocr/losses/center_loss.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            num_classes: CTC classes.
            feat_dim: width of the features; `CTCHead.mid_channels` with `return_feats`.
            center_file_path: a `.npy` file with the centers, float [num_classes, feat_dim].
                PaddleOCR's pickled centers are not read: a pickle can run code.
            init_center: whether that file is read; the centers are random without it.
        """

        num_classes: int
        feat_dim: int = 96
        center_file_path: str | None = None
        init_center: bool = False

    def __init__(self, config: Config) -> None:
        super().__init__()
        shape = [config.num_classes, config.feat_dim]
        centers = _read_centers(config.center_file_path, shape) if config.init_center else None
        self.register_buffer("centers", paddle.randn(shape) if centers is None else centers)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:  # noqa: ARG002
        """Features [N, T, C] and CTC logits [N, T, K] → `loss_center`, a scalar."""
        features = features_of(outputs).flatten(0, 1)
        shown = logits_of(outputs).argmax(axis=-1).flatten()
        distance = (features - self.centers.gather(shown)).square().sum(axis=1)
        return {"loss_center": distance.mean()}


class EnhancedCTCLoss(nn.Layer):
    """CTC loss, and ACE's and center loss where asked for.

    Args:
        config: its arguments.

    Source: PaddleOCR ppocr/losses/rec_enhanced_ctc_loss.py.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            use_focal_loss: see `CTCLoss`.
            use_ace_loss: adds `ACELoss`.
            ace_loss_weight: its weight.
            use_center_loss: adds `CenterLoss`.
            center_loss_weight: its weight.
            num_classes: see `CenterLoss`.
            feat_dim: see `CenterLoss`.
            init_center: see `CenterLoss`.
            center_file_path: see `CenterLoss`.
        """

        use_focal_loss: bool = False
        use_ace_loss: bool = False
        ace_loss_weight: float = 0.1
        use_center_loss: bool = False
        center_loss_weight: float = 0.05
        num_classes: int = 6625
        feat_dim: int = 96
        init_center: bool = False
        center_file_path: str | None = None

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.ctc = CTCLoss(CTCLoss.Config(use_focal_loss=config.use_focal_loss))
        self.helpers = nn.LayerList()
        self.weights = []
        if config.use_ace_loss:
            self.helpers.append(ACELoss())
            self.weights.append(config.ace_loss_weight)
        if config.use_center_loss:
            center = CenterLoss.Config(
                num_classes=config.num_classes,
                feat_dim=config.feat_dim,
                center_file_path=config.center_file_path,
                init_center=config.init_center,
            )
            self.helpers.append(CenterLoss(center))
            self.weights.append(config.center_loss_weight)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """CTC logits, or features and logits → `loss` and its parts, weighted."""
        losses = {"loss_ctc": self.ctc(outputs, batch)["loss"]}
        for helper, weight in zip(self.helpers, self.weights, strict=True):
            losses |= {name: value * weight for name, value in helper(outputs, batch).items()}
        return {**losses, "loss": sum(losses.values())}


def _read_centers(path: str | None, shape: list[int]) -> Tensor:
    where = "Loss.center_file_path"
    try:
        # Mapped, so that a shape in the file's header is held to the file's size.
        centers = np.load(Path(path or ""), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(where, f"cannot read {path} ({error})", "Name a .npy file") from error
    stored_shape = list(getattr(centers, "shape", ()))  # an .npz archive has none
    if stored_shape != shape or centers.dtype.kind not in "iuf":
        cause = f"{path} holds {stored_shape} numbers, not {shape}"
        raise ConfigError(where, cause, "Make num_classes and feat_dim fit it")
    return paddle.to_tensor(centers.astype(np.float32))
