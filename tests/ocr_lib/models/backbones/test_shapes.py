"""What each backbone makes of an image, and that its gradient reaches its first layer."""

import paddle
import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.models.backbones.mobilenet_v1_enhance import MobileNetV1Enhance
from ocr_lib.models.backbones.mobilenet_v3 import MobileNetV3
from ocr_lib.models.backbones.mtb import MTB
from ocr_lib.models.backbones.resnet31 import ResNet31
from ocr_lib.models.backbones.resnet_vd import ResNet
from ocr_lib.models.backbones.svtrnet import SVTRNet
from tests.ocr_lib.models.configured import configured

SVTR = {"embed_dim": [8, 16, 32], "depth": [1, 1, 1], "num_heads": [1, 2, 4], "out_channels": 24}


@pytest.mark.parametrize(
    ("make", "image", "features"),
    [
        (
            lambda: configured(MobileNetV3, scale=0.35, small_stride=[1, 2, 2, 2]),
            [3, 32, 64],
            [200, 1, 16],
        ),
        (
            lambda: configured(MobileNetV3, model_name="large", scale=0.35),
            [3, 32, 64],
            [336, 1, 16],
        ),
        (lambda: configured(MobileNetV1Enhance, scale=0.25), [3, 32, 64], [256, 1, 16]),
        (
            lambda: configured(
                MobileNetV1Enhance,
                scale=0.25,
                last_conv_stride=[1, 2],
                last_pool_type="avg",
                last_pool_kernel_size=[2, 2],
            ),
            [3, 48, 64],
            [256, 1, 8],
        ),
        (lambda: configured(ResNet, layers=18), [3, 32, 32], [512, 1, 8]),
        (
            lambda: configured(ResNet31, layers=[1, 1, 1, 1], channels=[8, 8, 16, 16, 16, 16, 16]),
            [3, 48, 40],
            [16, 6, 10],
        ),
        (
            lambda: configured(
                ResNet31,
                layers=[1, 1, 1, 1],
                channels=[8, 8, 16, 16, 16, 16, 16],
                last_stage_pool=True,
            ),
            [3, 48, 40],
            [16, 3, 5],
        ),
        (
            lambda: configured(SVTRNet, mixer=["Local", "Conv", "Global"], **SVTR),
            [3, 32, 100],
            [24, 1, 25],
        ),
        (
            lambda: configured(
                SVTRNet,
                mixer=["Global"] * 3,
                patch_merging="Pool",
                sub_num=3,
                img_size=[32, 96],
                **SVTR,
            ),
            [3, 32, 96],
            [24, 1, 25],
        ),
    ],
)
def test_an_image_becomes_a_map_of_columns(make, image, features) -> None:
    network = make()
    images = paddle.rand([2, *image])
    output = network(images)
    assert output.shape == [2, *features]
    assert features[0] == network.out_channels
    output.sum().backward()
    assert float(next(iter(network.parameters())).grad.abs().sum()) > 0


@pytest.mark.slow
def test_a_bottleneck_network_announces_the_channels_it_has() -> None:
    network = configured(ResNet, layers=50)
    assert network(paddle.rand([1, 3, 32, 16])).shape == [1, network.out_channels, 1, 4]


def test_nrtr_reads_columns_of_a_grey_image() -> None:
    assert configured(MTB, 1)(paddle.rand([2, 1, 32, 100])).shape == [2, 25, 512]


def test_svtr_without_a_last_stage_gives_a_sequence() -> None:
    network = configured(
        SVTRNet, mixer=["Global"] * 3, last_stage=False, patch_merging=None, **SVTR_EQUAL
    )
    assert network(paddle.rand([1, 3, 32, 100])).shape == [1, 8 * 25, 16]


SVTR_EQUAL = {"embed_dim": [16, 16, 16], "depth": [1, 1, 1], "num_heads": [1, 2, 4]}


def test_svtr_refuses_images_of_another_size() -> None:
    network = configured(SVTRNet, mixer=["Global"] * 3, **SVTR)
    with pytest.raises(ConfigError, match="images are 32 x 64, the network reads"):
        network(paddle.rand([1, 3, 32, 64]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: configured(MobileNetV3, small_stride=[1, 2]),
            r"small_stride: is \[1, 2\]. Write a list of 4",
        ),
        (
            lambda: configured(MobileNetV3, model_name="smal"),
            "model_name: is 'smal', which is not known",
        ),
        (lambda: configured(ResNet, layers=33), "layers: is 33, which is not known"),
        (lambda: configured(MobileNetV1Enhance, last_pool_type="mean"), "last_pool_type: is "),
        (lambda: configured(SVTRNet, mixer=["Global"]), "mixer: has 1 mixers for 12 blocks"),
        (
            lambda: configured(SVTRNet, act="GELU"),
            "act: is 'GELU', which is not known. The nearest known name is nn.GELU",
        ),
        (lambda: configured(SVTRNet, img_size=[32, 90]), r"img_size: .*not multiples of \[16, 4\]"),
        (lambda: configured(MTB, cnn_num=3), "cnn_num: is 3, and only 2 is available"),
    ],
)
def test_a_wrong_argument_is_refused(make, message) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
