"""Losses between a student and its teachers.

Each takes the outputs of a `DistillationModel` in training and names its results as PaddleOCR's
log does, e.g. `dml_ctc_0`.

Source: Zhang et al., "Deep Mutual Learning" (2018); Du et al., "PP-OCRv2" (2021); PaddleOCR
ppocr/losses/distillation_loss.py and basic_loss.py.
"""

from dataclasses import dataclass
from typing import Any, Literal

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.algorithms import CTC
from ocr_lib.config.checks import above
from ocr_lib.config.location import FieldError
from ocr_lib.losses.divergence import (
    decoupled_kd,
    kl_divergence,
    masked_mean,
    mean_kl,
    smoothed_kl,
    symmetric_kl,
)
from ocr_lib.losses.network_outputs import pick
from ocr_lib.losses.nrtr import step_mask, token_mask
from ocr_lib.models.targets import Batch, guide_label

Names = tuple[str, ...]
DISTANCES = {
    "l1": functional.l1_loss,
    "l2": functional.mse_loss,
    "smooth_l1": functional.smooth_l1_loss,
}


class PairLoss(nn.Layer):
    """A loss between the outputs of two networks.

    Args:
        config: its arguments.
        head: which of the networks' multi-heads is compared; None where they have none.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Arguments that a configuration may give.

        Attributes:
            model_name_pairs: pairs of names, or one pair.
            key: the stage that is compared: `head_out`, `backbone_out` or `neck_out`.
            name: prefix of the result's name.
        """

        model_name_pairs: tuple[str | Names, ...]
        key: str | None = None
        name: str = ""

        def __post_init__(self) -> None:
            if any(len(pair) != 2 for pair in self.pairs()):
                cause = f"is {self.model_name_pairs}, which are not pairs"
                raise FieldError(self, "model_name_pairs", cause, "Name two networks each")

        def pairs(self) -> list[Names]:
            """Returns the pairs; names alone are one pair."""
            pairs = [pair for pair in self.model_name_pairs if not isinstance(pair, str)]
            names = [pair for pair in self.model_name_pairs if isinstance(pair, str)]
            return [*pairs, *([tuple(names)] if names else [])]

    def __init__(self, config: Config, head: str | None = None) -> None:
        super().__init__()
        self.pairs = config.pairs()
        self.key = config.key
        self.head = head
        self.name = config.name

    def forward(self, outputs: dict[str, Any], batch: Batch) -> dict[str, Tensor]:
        """Outputs by network → one loss a pair."""
        losses = {}
        for i, (student, teacher) in enumerate(self.pairs):
            one, other = (pick(outputs, m, self.key, self.head) for m in (student, teacher))
            losses[self.result_name(student, teacher, i)] = self.compare(one, other, batch)
        return losses

    def result_name(self, student: str, teacher: str, index: int) -> str:  # noqa: ARG002
        """What the loss of a pair is called in the log."""
        return f"{self.name}_{index}"

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """The loss of a pair, a scalar."""
        raise NotImplementedError


class HeadPairLoss(PairLoss):
    """A loss between heads of two networks.

    Args:
        config: its arguments.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(PairLoss.Config):
        """Arguments that a configuration may give; see `PairLoss`.

        Attributes:
            multi_head: whether the networks' heads are multi-heads.
            dis_head: which of their heads is compared: "ctc", "sar" or "nrtr" (PaddleOCR: "gtc").
        """

        multi_head: bool = False
        dis_head: Literal["ctc", "sar", "nrtr", "gtc"] = "ctc"

    def __init__(self, config: Config) -> None:
        super().__init__(config, config.dis_head if config.multi_head else None)


class DistillationDMLLoss(HeadPairLoss):
    """Mutual learning: the symmetric divergence of two heads' probabilities."""

    @dataclass(frozen=True, kw_only=True)
    class Config(HeadPairLoss.Config):
        """Arguments that a configuration may give; see `HeadPairLoss`.

        Attributes:
            act: "softmax" or "sigmoid" where the outputs are logits.
            use_log: the exact divergence, summed over the steps, as recognition uses it.
        """

        name: str = "dml"
        act: Literal["softmax", "sigmoid"] | None = None
        use_log: bool = False

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.act = config.act
        self.divergence = symmetric_kl if config.use_log else smoothed_kl

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """Logits [N, T, K] twice → a scalar."""
        return self.divergence(student, teacher, self.act)


class DistillationKLDivLoss(HeadPairLoss):
    """The divergence of the student's probabilities from the teacher's, a token of the label."""

    @dataclass(frozen=True, kw_only=True)
    class Config(HeadPairLoss.Config):
        """Arguments that a configuration may give; see `HeadPairLoss`."""

        name: str = "kl_div"

    def __init__(self, config: Config) -> None:
        super().__init__(config)

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """Logits [N, T, K] twice → a scalar."""
        log_probs = functional.log_softmax(student, axis=-1)
        losses = kl_divergence(log_probs, functional.softmax(teacher, axis=-1))
        if self.head is None:
            return losses.sum() / student.shape[0]
        return masked_mean(losses, token_mask(guide_label(batch)[:, 1:]))


class DistillationDKDLoss(HeadPairLoss):
    """Decoupled distillation of an attention head.

    PaddleOCR averages over padding up to the batch's longest label, too; so does this.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(HeadPairLoss.Config):
        """Arguments that a configuration may give; see `HeadPairLoss`.

        Attributes:
            temperature: divides the logits.
            alpha: weight of the true class against the rest.
            beta: weight of the rest.
        """

        name: str = "dkd"
        temperature: float = 1.0
        alpha: float = 1.0
        beta: float = 1.0

        def __post_init__(self) -> None:
            PairLoss.Config.__post_init__(self)
            above(self, 0, "temperature")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.settings = {
            "temperature": config.temperature,
            "alpha": config.alpha,
            "beta": config.beta,
        }

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """Logits [N, L - 1, K] twice → a scalar."""
        label = guide_label(batch)[:, 1:]
        return decoupled_kd(
            student.flatten(0, 1),
            teacher.flatten(0, 1),
            label.flatten(),
            mask=step_mask(label).flatten(),
            **self.settings,
        )


class DistillationDistanceLoss(PairLoss):
    """The distance of two feature maps."""

    @dataclass(frozen=True, kw_only=True)
    class Config(PairLoss.Config):
        """Arguments that a configuration may give; see `PairLoss`.

        Attributes:
            mode: which distance.
        """

        model_name_pairs: tuple[str | Names, ...] = ()
        name: str = "loss_distance"
        mode: Literal["l1", "l2", "smooth_l1"] = "l2"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.distance = DISTANCES[config.mode]

    def result_name(self, student: str, teacher: str, index: int) -> str:
        """PaddleOCR calls every distance l2."""
        return f"{self.name}_l2_{student}_{teacher}_{index}"

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """Features of one shape → their mean distance."""
        return self.distance(student, teacher)


class DistillCTCLogits(PairLoss):
    """The divergence of two CTC heads' average over the columns."""

    @dataclass(frozen=True, kw_only=True)
    class Config(PairLoss.Config):
        """Arguments that a configuration may give; see `PairLoss`. With a `key` the heads are
        multi-heads.

        Attributes:
            reduction: how the losses of a batch become one; there is one way.
        """

        name: str = "ctc_logits"
        reduction: Literal["mean"] = "mean"

    def __init__(self, config: Config) -> None:
        super().__init__(config, None if config.key is None else CTC.name)

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """CTC logits [N, T, K] twice → a scalar."""
        return mean_kl(student, teacher)
