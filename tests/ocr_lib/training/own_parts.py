"""Parts of a user's own, as a configuration names them."""

from paddle import Tensor, nn


class TwoLayers(nn.Layer):
    """A backbone: [N, C, H, W] → [N, 12, 1, W/4]."""

    def __init__(self, in_channels: int, width: int = 8):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2D(in_channels, width, 3, 2, 1),
            nn.BatchNorm2D(width),
            nn.ReLU(),
            nn.Conv2D(width, 12, 3, 2, 1),
            nn.BatchNorm2D(12),
            nn.ReLU(),
        )
        self.out_channels = 12

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).mean(axis=2, keepdim=True)


class LinearHead(nn.Layer):
    """A CTC head."""

    def __init__(self, in_channels: int, num_classes: int):
        super().__init__()
        self.fc = nn.Linear(in_channels, num_classes)

    def forward(self, x: Tensor, targets: object = None) -> Tensor:
        logits = self.fc(x)
        return logits if self.training else nn.functional.softmax(logits, axis=-1)
