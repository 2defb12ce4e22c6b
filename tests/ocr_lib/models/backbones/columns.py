"""What a backbone makes of random images."""

import paddle


def columns(network: paddle.nn.Layer, *image: int) -> list[int]:
    """Runs two images; returns the shape of one's features, and checks what every backbone owes.

    That is the number of channels it announces, and a gradient that reaches its first layer.
    """
    output = network(paddle.rand([2, *image]))
    output.sum().backward()
    assert float(next(iter(network.parameters())).grad.abs().sum()) > 0
    assert output.shape[0] == 2
    assert output.shape[1] == network.out_channels
    return output.shape[1:]
