"""A network as the list of its weighted layers, in the order of evaluation."""

import paddle
from paddle import nn

from ocr_lib.converters.weighted_layers import graph_orders, weighted_layers
from ocr_lib.models.backbones.rep_layer import LearnableAffineBlock


class Crossed(nn.Layer):
    """Calls its layers in another order than it names them."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)
        self.norm = nn.BatchNorm2D(4)
        self.first = nn.Conv2D(1, 4, 3, padding=1)
        self.scale = LearnableAffineBlock(1.0)
        self.unused = nn.Linear(9, 9)
        self.act = nn.ReLU()

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        features = self.scale(self.act(self.norm(self.first(x))))
        return self.last(features.mean([2, 3]))


def test_layers_come_in_the_order_in_which_they_are_called() -> None:
    model = Crossed()
    model.train()
    found = weighted_layers(model, 1, 8)
    assert [(layer.kind, layer.name, layer.shape) for layer in found] == [
        ("convolution", "first", [4, 1, 3, 3]),
        ("norm", "norm", [4]),
        ("affine", "scale", [1]),
        ("linear", "last", [4, 3]),
    ]
    assert found[0].describe() == "convolution [4, 1, 3, 3] (first)"
    assert not model.training


def test_a_layer_that_is_called_twice_is_listed_twice_and_no_hook_stays() -> None:
    model = nn.Sequential(*[nn.Conv2D(2, 2, 1)] * 2)
    found = weighted_layers(model, 2, 4)
    assert len(found) == 2
    model(paddle.zeros([1, 2, 4, 4]))
    assert len(found) == 2


class Parallel(nn.Layer):
    """Two paths side by side, as in PP-OCRv6's neck, and a layer after them."""

    def __init__(self) -> None:
        super().__init__()
        self.neck = nn.Layer()
        self.neck.skip_conv = nn.Sequential(nn.Conv2D(1, 2, 1), nn.BatchNorm2D(2))
        self.neck.reduce = nn.Conv2D(1, 2, 1)
        self.last = nn.Conv2D(2, 3, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        skip = self.neck.skip_conv(x)
        return self.last(skip + self.neck.reduce(x))


def test_either_of_two_parallel_paths_may_come_first() -> None:
    orders = graph_orders(weighted_layers(Parallel(), 1, 4))
    assert [[layer.name for layer in order] for order in orders] == [
        ["neck.skip_conv.0", "neck.skip_conv.1", "neck.reduce", "last"],
        ["neck.reduce", "neck.skip_conv.0", "neck.skip_conv.1", "last"],
    ]
    chain = weighted_layers(nn.Sequential(nn.Conv2D(1, 2, 1), nn.Conv2D(2, 2, 1)), 1, 4)
    assert list(graph_orders(chain)) == [chain]
