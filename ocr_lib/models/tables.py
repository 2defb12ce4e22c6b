"""The parts a configuration can name. Adding one is a file with the class and a line here."""

from ocr_lib.models.backbones.hgnet import PPHGNetSmall
from ocr_lib.models.backbones.hgnet_v2 import PPHGNetV2B4
from ocr_lib.models.backbones.lcnet_v3 import PPLCNetV3
from ocr_lib.models.backbones.mobilenet_v1_enhance import MobileNetV1Enhance
from ocr_lib.models.backbones.mobilenet_v3 import MobileNetV3
from ocr_lib.models.backbones.mtb import MTB
from ocr_lib.models.backbones.plain_conv import PlainConv
from ocr_lib.models.backbones.resnet31 import ResNet31
from ocr_lib.models.backbones.resnet_vd import ResNet
from ocr_lib.models.backbones.svtrnet import SVTRNet
from ocr_lib.models.heads.attention import AttentionHead
from ocr_lib.models.heads.ctc import CTCHead
from ocr_lib.models.heads.multi import MultiHead
from ocr_lib.models.heads.sar import SARHead
from ocr_lib.models.heads.transformer import Transformer
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
    "PlainConv": PlainConv,
    "ResNet": ResNet,
    "ResNet31": ResNet31,
    "SVTRNet": SVTRNet,
}
NECKS: Table = {
    "SequenceEncoder": SequenceEncoder,
}
HEADS: Table = {
    "AttentionHead": AttentionHead,
    "CTCHead": CTCHead,
    "MultiHead": MultiHead,
    "SARHead": SARHead,
    "Transformer": Transformer,
}
