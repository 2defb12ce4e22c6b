"""The parts a configuration can name; heads are those of `ocr_lib.algorithms`."""

from ocr_lib.algorithms import ALGORITHMS
from ocr_lib.models.backbones.hgnet import PPHGNetSmall
from ocr_lib.models.backbones.hgnet_v2 import PPHGNetV2B4
from ocr_lib.models.backbones.lcnet_v3 import PPLCNetV3
from ocr_lib.models.backbones.lcnet_v4 import PPLCNetV4
from ocr_lib.models.backbones.mobilenet_v1_enhance import MobileNetV1Enhance
from ocr_lib.models.backbones.mobilenet_v3 import MobileNetV3
from ocr_lib.models.backbones.mtb import MTB
from ocr_lib.models.backbones.plain_conv import PlainConv
from ocr_lib.models.backbones.resnet31 import ResNet31
from ocr_lib.models.backbones.resnet_vd import ResNet
from ocr_lib.models.backbones.svtrnet import SVTRNet
from ocr_lib.models.necks.sequence_encoder import SequenceEncoder
from ocr_lib.models.parts import Table
from ocr_lib.models.transforms.stn import STN_ON
from ocr_lib.models.transforms.tps import TPS

TRANSFORMS: Table = {
    "STN_ON": STN_ON,
    "TPS": TPS,
}
BACKBONES: Table = {
    "MTB": MTB,
    "MobileNetV1Enhance": MobileNetV1Enhance,
    "MobileNetV3": MobileNetV3,
    "PPHGNetV2_B4": PPHGNetV2B4,
    "PPHGNet_small": PPHGNetSmall,
    "PPLCNetV3": PPLCNetV3,
    "PPLCNetV4": PPLCNetV4,
    "PlainConv": PlainConv,
    "ResNet": ResNet,
    "ResNet31": ResNet31,
    "SVTRNet": SVTRNet,
}
NECKS: Table = {
    "SequenceEncoder": SequenceEncoder,
}
HEADS: Table = {k: v for a in ALGORITHMS.values() for k, v in a.head_layers().items()}
