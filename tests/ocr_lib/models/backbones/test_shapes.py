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

SVTR = {"embed_dim": [8, 16, 32], "depth": [1, 1, 1], "num_heads": [1, 2, 4], "out_channels": 24}


@pytest.mark.parametrize(
    ("make", "image", "features"),
    [
        (lambda: MobileNetV3(scale=0.35, small_stride=[1, 2, 2, 2]), [3, 32, 64], [200, 1, 16]),
        (lambda: MobileNetV3(model_name="large", scale=0.35), [3, 32, 64], [336, 1, 16]),
        (lambda: MobileNetV1Enhance(scale=0.25), [3, 32, 64], [256, 1, 16]),
        (
            lambda: MobileNetV1Enhance(
                scale=0.25,
                last_conv_stride=[1, 2],
                last_pool_type="avg",
                last_pool_kernel_size=[2, 2],
            ),
            [3, 48, 64],
            [256, 1, 8],
        ),
        (lambda: ResNet(layers=18), [3, 32, 32], [512, 1, 8]),
        (
            lambda: ResNet31(layers=[1, 1, 1, 1], channels=[8, 8, 16, 16, 16, 16, 16]),
            [3, 48, 40],
            [16, 6, 10],
        ),
        (
            lambda: ResNet31(
                layers=[1, 1, 1, 1], channels=[8, 8, 16, 16, 16, 16, 16], last_stage_pool=True
            ),
            [3, 48, 40],
            [16, 3, 5],
        ),
        (lambda: SVTRNet(mixer=["Local", "Conv", "Global"], **SVTR), [3, 32, 100], [24, 1, 25]),
        (
            lambda: SVTRNet(
                mixer=["Global"] * 3, patch_merging="Pool", sub_num=3, img_size=[32, 96], **SVTR
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
    network = ResNet(layers=50)
    assert network(paddle.rand([1, 3, 32, 16])).shape == [1, network.out_channels, 1, 4]


def test_nrtr_reads_columns_of_a_grey_image() -> None:
    assert MTB()(paddle.rand([2, 1, 32, 100])).shape == [2, 25, 512]


def test_svtr_without_a_last_stage_gives_a_sequence() -> None:
    network = SVTRNet(mixer=["Global"] * 3, last_stage=False, patch_merging=None, **SVTR_EQUAL)
    assert network(paddle.rand([1, 3, 32, 100])).shape == [1, 8 * 25, 16]


SVTR_EQUAL = {"embed_dim": [16, 16, 16], "depth": [1, 1, 1], "num_heads": [1, 2, 4]}


def test_svtr_refuses_images_of_another_size() -> None:
    network = SVTRNet(mixer=["Global"] * 3, **SVTR)
    with pytest.raises(ConfigError, match="images are 32 x 64, the network reads"):
        network(paddle.rand([1, 3, 32, 64]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MobileNetV3(small_stride=[1, 2]), "small_stride: 2 strides are given"),
        (lambda: MobileNetV3(model_name="smal"), "model_name: unknown value 'smal'"),
        (lambda: ResNet(layers=33), "layers: unknown value 33"),
        (lambda: MobileNetV1Enhance(last_pool_type="mean"), "last_pool_type: unknown value"),
        (lambda: SVTRNet(mixer=["Global"]), "mixer: 1 mixers are given for 12 blocks"),
        (lambda: SVTRNet(act="GELU"), "act: unknown value 'GELU'"),
        (lambda: SVTRNet(img_size=[32, 90]), r"img_size: .*not multiples of \[16, 4\]"),
        (lambda: MTB(cnn_num=3), "cnn_num: unknown value 3"),
    ],
)
def test_a_wrong_argument_is_refused(make, message) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
