"""Batch statistics over all processes: alone, they are those of the plain layer.

Two processes: `rank_exchanges.py`, which `test_parallel.py` starts.
"""

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.models.distillation import freeze
from ocr_lib.models.layers import BatchNorm
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.sync_bn import SyncBatchNorm, synchronise


class Two(Parallel):
    """Two processes of which the other adds nothing."""

    world_size = 2


def network() -> nn.Layer:
    paddle.seed(3)
    return nn.Sequential(nn.Conv2D(3, 4, 3), BatchNorm(4), nn.Sequential(BatchNorm(4)))


def images() -> paddle.Tensor:
    return paddle.to_tensor(np.random.default_rng(0).normal(2, 3, (5, 3, 6, 6)).astype("float32"))


def test_one_process_keeps_its_layers() -> None:
    model = network()
    assert synchronise(model, Parallel()) is model
    assert not any(isinstance(layer, SyncBatchNorm) for layer in model.sublayers())


def test_all_norms_are_replaced_and_parameters_keep_their_names() -> None:
    names = list(network().state_dict())
    model = synchronise(network(), Two())
    assert sum(isinstance(layer, SyncBatchNorm) for layer in model.sublayers()) == 2
    assert list(model.state_dict()) == names


def test_a_frozen_norm_keeps_its_statistics() -> None:
    model = network()
    freeze(model[2])
    model = synchronise(model, Two())
    assert [isinstance(model[1], SyncBatchNorm), isinstance(model[2][0], SyncBatchNorm)] == [
        True,
        False,
    ]


@pytest.mark.parametrize("training", [True, False])
def test_it_computes_what_the_plain_layer_computes(training: bool) -> None:
    plain, replaced = network(), synchronise(network(), Two())
    outputs = []
    for model in (plain, replaced):
        model.train() if training else model.eval()
        output = model(images())
        output.square().sum().backward()
        outputs.append(output.numpy())
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)
    for name, value in plain.state_dict().items():
        np.testing.assert_allclose(
            replaced.state_dict()[name].numpy(), value.numpy(), rtol=1e-4, atol=1e-5, err_msg=name
        )
    for one, other in zip(plain.parameters(), replaced.parameters(), strict=True):
        if one.stop_gradient:
            continue
        np.testing.assert_allclose(one.grad.numpy(), other.grad.numpy(), rtol=1e-3, atol=1e-2)
