"""Distances between what two networks say: functions of tensors."""

import paddle
from paddle import Tensor
from paddle.nn import functional

TINY = 1e-10


def kl_divergence(log_probs: Tensor, target: Tensor) -> Tensor:
    """Kullback-Leibler divergence of every distribution on the last axis: [..., K] → [...]."""
    return (target * (paddle.log(target + TINY) - log_probs)).sum(axis=-1)


def symmetric_kl(first: Tensor, second: Tensor, act: str | None) -> Tensor:
    """Half the sum of both divergences, summed over steps, averaged over the batch.

    Args:
        first: [N, T, K].
        second: [N, T, K].
        act: "softmax" or "sigmoid" where the inputs are logits; None where they are probabilities.
    """
    if act is not None:
        activate = functional.softmax if act == "softmax" else functional.sigmoid
        first, second = activate(first) + TINY, activate(second) + TINY
    both = kl_divergence(paddle.log(first), second) + kl_divergence(paddle.log(second), first)
    return both.sum() / (2.0 * first.shape[0])


def smoothed_kl(first: Tensor, second: Tensor, act: str | None) -> Tensor:
    """Like `symmetric_kl`, with a constant in place of the logarithm's limit, averaged over all."""
    if act is not None:
        activate = functional.softmax if act == "softmax" else functional.sigmoid
        first, second = activate(first) + TINY, activate(second) + TINY
    eps = 1e-5
    ratio = (second + eps) / (first + eps)
    both = second * paddle.log(ratio + eps) + first * paddle.log(1.0 / ratio + eps)
    return 0.5 * both.mean()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is 1."""
    return (values * mask).sum() / mask.sum()


def decoupled_kd(
    student: Tensor,
    teacher: Tensor,
    label: Tensor,
    *,
    temperature: float,
    alpha: float,
    beta: float,
    mask: Tensor,
) -> Tensor:
    """Decoupled knowledge distillation: the true class against the rest, and among the rest.

    Args:
        student: logits [M, K].
        teacher: logits [M, K].
        label: true classes, int64 [M].
        temperature: divides the logits.
        alpha: weight of the first part.
        beta: weight of the second.
        mask: 1 for the rows that count, 0 for the others, [M].

    Source: Zhao et al., "Decoupled Knowledge Distillation" (2022).
    """
    student, teacher = student / temperature, teacher / temperature
    true = functional.one_hot(label, student.shape[-1]).astype(student.dtype)

    def binary(logits: Tensor) -> Tensor:
        probability = (functional.softmax(logits, axis=-1) * true).sum(axis=-1)
        return paddle.stack([probability, 1.0 - probability], axis=-1).clip(min=TINY)

    target_part = kl_divergence(paddle.log(binary(student)), binary(teacher))
    other_part = kl_divergence(
        functional.log_softmax(student - 1000.0 * true, axis=-1),
        functional.softmax(teacher - 1000.0 * true, axis=-1),
    )
    losses = alpha * target_part + beta * other_part
    return masked_mean(losses, mask) * temperature**2


def mean_kl(student: Tensor, teacher: Tensor, temperature: float = 0.5) -> Tensor:
    """Divergence of what two CTC heads say on average over the columns, blanks turned down.

    Args:
        student: CTC logits [N, T, K], blank first.
        teacher: CTC logits [N, T, K].
        temperature: divides the logits.
    """
    eps = 1e-6
    sign = paddle.ones([student.shape[-1]], dtype=student.dtype)
    sign[0] = -1.0
    p, q = (
        functional.softmax(logits * sign / temperature, axis=-1).mean(axis=1)
        for logits in (student, teacher)
    )
    losses = q * paddle.log((q + eps) / (p + eps) + eps)
    return losses.sum() / student.shape[0]
