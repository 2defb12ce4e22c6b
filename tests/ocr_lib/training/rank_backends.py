"""One of two processes that train a network once by each backend; writes how far they are apart.

The network has batch statistics and a parameter that no step uses; the last batch is uneven, and
in one step the second rank has no batch that counts.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import paddle
from paddle import nn

from ocr_lib.models.layers import BatchNorm
from ocr_lib.training.gradient_sync import DataParallelSync, ExactSync, GradientSync
from ocr_lib.training.parallel import Parallel, init_process_group

SIZES = ((6, 6), (6, 6), (6, 6), (6, 2))  # samples of rank 0 and 1 in each step
UNCOUNTED_STEP = 2  # rank 1 takes part with a dummy batch


class Network(nn.Layer):
    """Convolution, batch norm and a linear layer; `unused` learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2D(3, 8, 3, padding=1)
        self.norm = BatchNorm(8)
        self.head = nn.Linear(8, 4)
        self.unused = nn.Linear(4, 4)

    def forward(self, images: paddle.Tensor) -> dict[str, paddle.Tensor]:
        features = nn.functional.relu(self.norm(self.conv(images)))
        return {"logits": self.head(features.mean([2, 3]))}


def trained(kind: type[GradientSync], parallel: Parallel) -> tuple[nn.Layer, list[float]]:
    """Returns the network after a few steps of momentum, and the averaged losses."""
    network = seeded()
    sync = kind(parallel, network)
    optimizer = paddle.optimizer.Momentum(0.1, parameters=network.parameters())
    rng = np.random.default_rng(parallel.rank)
    losses = []
    for step, sizes in enumerate(SIZES):
        parallel.barrier()
        count = sizes[parallel.rank]
        images = paddle.to_tensor(rng.normal(0, 1, (count, 3, 8, 8)).astype("float32"))
        labels = paddle.to_tensor(rng.integers(0, 4, count))
        loss = nn.functional.cross_entropy(sync.forward(images)["logits"], labels)
        counted = not (step == UNCOUNTED_STEP and parallel.rank == 1)
        averaged = sync.backward(loss, {"loss": loss}, counted=counted)
        losses.append(float(averaged["loss"]))
        assert network.unused.weight.grad is None
        optimizer.step()
        optimizer.clear_grad()
    return network, losses


def main(out: Path, device: str) -> None:
    if device == "cpu":
        paddle.set_device("cpu")
    parallel = init_process_group(minutes=3, use_gpu=device == "gpu")
    start = {name: value.numpy() for name, value in seeded().state_dict().items()}
    exact, exact_losses = trained(ExactSync, parallel)
    other, other_losses = trained(DataParallelSync, parallel)
    weights = {name: value.numpy() for name, value in exact.state_dict().items()}
    distances = {
        name: float(np.abs(value.numpy() - weights[name]).max())
        for name, value in other.state_dict().items()
    }
    report = {
        "moved": {name: float(np.abs(weights[name] - start[name]).max()) for name in start},
        "distances": distances,
        "losses": [exact_losses, other_losses],
        "digests": [digest(exact), digest(other)],
    }
    (out / f"rank{parallel.rank}.json").write_text(json.dumps(report))
    parallel.close()


def digest(network: nn.Layer) -> str:
    content = b"".join(value.numpy().tobytes() for value in network.state_dict().values())
    return hashlib.sha256(content).hexdigest()


def seeded() -> nn.Layer:
    paddle.seed(3)
    return Network()


main(Path(sys.argv[1]), sys.argv[2])
