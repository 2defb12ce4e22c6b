"""Losses between a student and its teachers.

Each takes the outputs of a `DistillationModel` in training and names its results as PaddleOCR's
log does, e.g. `dml_ctc_0`.

Source: Zhang et al., "Deep Mutual Learning" (2018); Du et al., "PP-OCRv2" (2021); PaddleOCR
ppocr/losses/distillation_loss.py and basic_loss.py.
"""

from collections.abc import Sequence
from typing import Any

from paddle import Tensor, nn
from paddle.nn import functional

from ocr_lib.errors import ConfigError
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
from ocr_lib.models.parts import choose
from ocr_lib.models.targets import Batch, guide_label

Pairs = Sequence[Sequence[str] | str]
ACTS = ("softmax", "sigmoid", None)
DISTANCES = {
    "l1": functional.l1_loss,
    "l2": functional.mse_loss,
    "smooth_l1": functional.smooth_l1_loss,
}


def _as_pairs(pairs: Pairs) -> list[tuple[str, str]]:
    """A list of pairs, or one pair, as a list of pairs."""
    if pairs and isinstance(pairs[0], str):
        pairs = [[str(name) for name in pairs]]
    found = [tuple(pair) for pair in pairs]
    if any(len(pair) != 2 for pair in found):
        cause = f"{pairs} are not pairs"
        raise ConfigError("Loss.loss_config_list.model_name_pairs", cause, "Name two networks each")
    return [(one, other) for one, other in found]


class PairLoss(nn.Layer):
    """A loss between the outputs of two networks.

    Args:
        model_name_pairs: pairs of names, or one pair.
        key: the stage that is compared: `head_out`, `backbone_out` or `neck_out`.
        multi_head: whether the networks' heads are multi-heads.
        dis_head: which of their heads is compared: "ctc", "sar" or "nrtr" (PaddleOCR: "gtc").
        name: prefix of the result's name.
    """

    def __init__(
        self,
        model_name_pairs: Pairs,
        key: str | None,
        multi_head: bool = False,
        dis_head: str = "ctc",
        name: str = "",
    ):
        super().__init__()
        self.pairs = _as_pairs(model_name_pairs)
        self.key = key
        self.head = dis_head if multi_head else None
        self.name = name

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


class DistillationDMLLoss(PairLoss):
    """Mutual learning: the symmetric divergence of two heads' probabilities.

    Args:
        model_name_pairs: see `PairLoss`.
        act: "softmax" or "sigmoid" where the outputs are logits.
        use_log: the exact divergence, summed over the steps, as recognition uses it.
        key: see `PairLoss`.
        multi_head: see `PairLoss`.
        dis_head: see `PairLoss`.
        name: see `PairLoss`.
    """

    def __init__(
        self,
        model_name_pairs: Pairs,
        act: str | None = None,
        use_log: bool = False,
        key: str | None = None,
        multi_head: bool = False,
        dis_head: str = "ctc",
        name: str = "dml",
    ):
        super().__init__(model_name_pairs, key, multi_head, dis_head, name)
        self.act = choose(act, ACTS, "Loss.loss_config_list.DistillationDMLLoss.act")
        self.divergence = symmetric_kl if use_log else smoothed_kl

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """Logits [N, T, K] twice → a scalar."""
        return self.divergence(student, teacher, self.act)


class DistillationKLDivLoss(PairLoss):
    """The divergence of the student's probabilities from the teacher's, a token of the label."""

    def __init__(
        self,
        model_name_pairs: Pairs,
        key: str | None = None,
        multi_head: bool = False,
        dis_head: str = "ctc",
        name: str = "kl_div",
    ):
        super().__init__(model_name_pairs, key, multi_head, dis_head, name)

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """Logits [N, T, K] twice → a scalar."""
        log_probs = functional.log_softmax(student, axis=-1)
        losses = kl_divergence(log_probs, functional.softmax(teacher, axis=-1))
        if self.head is None:
            return losses.sum() / student.shape[0]
        return masked_mean(losses, token_mask(guide_label(batch)[:, 1:]))


class DistillationDKDLoss(PairLoss):
    """Decoupled distillation of an attention head.

    PaddleOCR averages over padding up to the batch's longest label, too; so does this.

    Args:
        model_name_pairs: see `PairLoss`.
        key: see `PairLoss`.
        multi_head: see `PairLoss`.
        dis_head: see `PairLoss`.
        name: see `PairLoss`.
        temperature: divides the logits.
        alpha: weight of the true class against the rest.
        beta: weight of the rest.
    """

    def __init__(
        self,
        model_name_pairs: Pairs,
        key: str | None = None,
        multi_head: bool = False,
        dis_head: str = "ctc",
        name: str = "dkd",
        temperature: float = 1.0,
        alpha: float = 1.0,
        beta: float = 1.0,
    ):
        super().__init__(model_name_pairs, key, multi_head, dis_head, name)
        self.settings = {"temperature": temperature, "alpha": alpha, "beta": beta}

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
    """The distance of two feature maps.

    Args:
        mode: "l1", "l2" or "smooth_l1".
        model_name_pairs: see `PairLoss`.
        key: see `PairLoss`.
        name: see `PairLoss`.
    """

    def __init__(
        self,
        mode: str = "l2",
        model_name_pairs: Pairs = (),
        key: str | None = None,
        name: str = "loss_distance",
    ):
        super().__init__(model_name_pairs, key, name=name)
        where = "Loss.loss_config_list.DistillationDistanceLoss.mode"
        self.distance = DISTANCES[choose(mode, DISTANCES, where)]

    def result_name(self, student: str, teacher: str, index: int) -> str:
        """PaddleOCR calls every distance l2."""
        return f"{self.name}_l2_{student}_{teacher}_{index}"

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """Features of one shape → their mean distance."""
        return self.distance(student, teacher)


class DistillCTCLogits(PairLoss):
    """The divergence of two CTC heads' average over the columns.

    Args:
        model_name_pairs: see `PairLoss`.
        key: see `PairLoss`; with it the heads are multi-heads.
        name: see `PairLoss`.
        reduction: "mean"; there is no other.
    """

    def __init__(
        self,
        model_name_pairs: Pairs,
        key: str | None = None,
        name: str = "ctc_logits",
        reduction: str = "mean",
    ):
        choose(reduction, ("mean",), "Loss.loss_config_list.DistillCTCLogits.reduction")
        super().__init__(model_name_pairs, key, key is not None, "ctc", name)

    def compare(self, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """CTC logits [N, T, K] twice → a scalar."""
        return mean_kl(student, teacher)
