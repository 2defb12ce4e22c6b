"""A file's arrays in a network: what fits, what does not, and whether ranks agree."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from ocr_lib.errors import CheckpointError
from ocr_lib.training import checkpoint, weights
from ocr_lib.training.log import PeerLog
from ocr_lib.training.parallel import Parallel


def network(seed=0):
    paddle.seed(seed)
    return paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4))


def trained(seed=0):
    model = network(seed)
    optimizer = paddle.optimizer.AdamW(0.1, parameters=model.parameters())
    model(paddle.ones([2, 3])).sum().backward()
    optimizer.step()
    return model, optimizer


def save(prefix, seed=0, step=1):
    model, optimizer = trained(seed)
    checkpoint.save(prefix, model.state_dict(), optimizer.state_dict(), {"global_step": step})
    return model, optimizer


def test_too_few_matching_parameters_are_an_error_that_names_them(tmp_path):
    save(tmp_path / "a")
    params = checkpoint.load(tmp_path / "a").params
    other = paddle.nn.Sequential(paddle.nn.Linear(3, 5), paddle.nn.BatchNorm1D(5))
    before = [p.numpy() for p in other.parameters()]
    with pytest.raises(CheckpointError, match=r"6 of another shape \(0.weight \(3, 4\)→\(3, 5\)"):
        weights.load_into(other, params, "a", min_share=0.99)
    for was, parameter in zip(before, other.parameters(), strict=True):
        np.testing.assert_array_equal(was, parameter.numpy())


def test_optimizer_state_follows_the_layers_into_another_process(tmp_path):
    """Tensor names count up in a process: a network built later has other names."""
    save(tmp_path / "a")
    saved = checkpoint.load(tmp_path / "a")
    model = network()
    optimizer = paddle.optimizer.AdamW(0.1, parameters=model.parameters())
    optimizer.set_state_dict(weights.optimizer_state_for(model, saved.optimizer, saved.params))
    model(paddle.ones([2, 3])).sum().backward()
    optimizer.step()
    name = f"{model[0].weight.name}_beta1_pow_acc_0"
    power = optimizer.state_dict()[name].numpy().item()
    assert power == pytest.approx(0.9**3)  # begins at 0.9; two steps were taken


def test_weights_in_bfloat16_fill_a_network_in_float32(tmp_path):
    """paddle stores bfloat16 as uint16, the upper half of a float32."""
    half = network(seed=1)
    half.to(dtype="bfloat16")
    paddle.save(half.state_dict(), str(tmp_path / "half.pdparams"))
    other = network(seed=2)
    params = checkpoint.load(tmp_path / "half").params
    assert weights.load_into(other, params, "half", min_share=1.0).share == 1.0
    for ours, theirs in zip(other.parameters(), half.parameters(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.astype("float32").numpy())


def test_every_name_is_counted_once():
    params = {"0.weight": np.zeros((3, 4)), "0.bias": np.zeros(5), "other": np.zeros(1)}
    result = weights.match(network(), {**params, checkpoint.NAME_TABLE: {}})
    assert result.matched == ("0.weight",)
    assert result.reshaped == {"0.bias": ((5,), (4,))}
    assert result.missing == ("1.weight", "1.bias", "1._mean", "1._variance")
    assert result.unused == ("other",)
    assert result.share == pytest.approx(1 / 6)
    assert result.describe() == (
        "1 parameters match; 4 missing (1.weight, 1.bias, 1._mean, 1._variance); "
        "1 of another shape (0.bias (5,)→(4,)); 1 unused (other)"
    )


def test_paddle_reads_saved_weights(tmp_path: Path):
    model = network(seed=4)
    weights.save_weights(tmp_path / "w.pdparams", model.state_dict())
    for name, value in paddle.load(str(tmp_path / "w.pdparams")).items():
        np.testing.assert_array_equal(value.numpy(), model.state_dict()[name].numpy())


def test_ranks_with_other_weights_are_told_apart():
    """Each rank hands on the digest of its own weights."""

    class Recording(Parallel):
        world_size = 2

        def __init__(self) -> None:
            self.digests: list[str] = []

        def assert_equal_across_ranks(self, what: str, value: str, fix: str = "") -> None:
            self.digests.append(value)

    parallel = Recording()
    for seed in (1, 1, 2):
        weights.compare_ranks(network(seed), parallel, PeerLog())
    assert parallel.digests[0] == parallel.digests[1] != parallel.digests[2]
