"""The parts a configuration can name. Adding one is a file with the class and a line here."""

from ocr_lib.models.backbones.mobilenet_v3 import MobileNetV3
from ocr_lib.models.heads.ctc import CTCHead
from ocr_lib.models.necks.sequence_encoder import SequenceEncoder
from ocr_lib.models.parts import Table

TRANSFORMS: Table = {}
BACKBONES: Table = {
    "MobileNetV3": MobileNetV3,
}
NECKS: Table = {
    "SequenceEncoder": SequenceEncoder,
}
HEADS: Table = {
    "CTCHead": CTCHead,
}
