"""The families of heads. A new one is a record here and its layer under `ocr_lib/models/heads`.

Source: PaddleOCR ppocr/modeling/heads, ppocr/data/imaug/label_ops.py and
ppocr/postprocess/rec_postprocess.py for the names.
"""

from collections.abc import Mapping
from dataclasses import make_dataclass

from ocr_lib.algorithms.algorithm import LengthLimit, RecognitionAlgorithm
from ocr_lib.config.component import Table
from ocr_lib.errors import ConfigError
from ocr_lib.text.sequence import attention_ids, nrtr_ids, sar_ids
from ocr_lib.text.tokenizer import CTCTokenizer, SequenceTokenizer

_CHARACTERS = ("character_dict_path", "use_space_char")
_NETWORKS = ("model_name", "key", "multi_head")

CTC = RecognitionAlgorithm(
    name="ctc",
    tokenizer=CTCTokenizer(),
    heads={
        "CTCHead": "ocr_lib.models.heads.ctc:CTCHead",
        "MultiHead": "ocr_lib.models.heads.multi:MultiHead",
    },
    multi_head_entry="CTCHead",
    target="label_ctc",
    loss="ocr_lib.losses.ctc:CTCLoss",
    post_processes={
        "CTCLabelDecode": _CHARACTERS,
        "DistillationCTCLabelDecode": (*_CHARACTERS, *_NETWORKS),
    },
    label_encoder="CTCLabelEncode",
)
ATTENTION = RecognitionAlgorithm(  # RARE
    name="attention",
    tokenizer=SequenceTokenizer(attention_ids),
    heads={"AttentionHead": "ocr_lib.models.heads.attention:AttentionHead"},
    target="label_gtc",
    loss="ocr_lib.losses.attention:AttentionLoss",
    post_processes={"AttnLabelDecode": _CHARACTERS},
    label_encoder="AttnLabelEncode",
    length_limit=LengthLimit("max_text_length", 25, exact=True),
)
SAR = RecognitionAlgorithm(
    name="sar",
    tokenizer=SequenceTokenizer(sar_ids),
    heads={"SARHead": "ocr_lib.models.heads.sar:SARHead"},
    multi_head_entry="SARHead",
    target="label_sar",
    loss="ocr_lib.losses.sar:SARLoss",
    post_processes={
        "SARLabelDecode": (*_CHARACTERS, "rm_symbol"),
        "DistillationSARLabelDecode": (*_CHARACTERS, *_NETWORKS, "rm_symbol"),
    },
    label_encoder="SARLabelEncode",
    length_limit=LengthLimit("max_text_length", 30),
)
NRTR = RecognitionAlgorithm(
    name="nrtr",
    tokenizer=SequenceTokenizer(nrtr_ids),
    heads={"Transformer": "ocr_lib.models.heads.transformer:Transformer"},
    multi_head_entry="NRTRHead",
    target="label_gtc",
    loss="ocr_lib.losses.nrtr:NRTRLoss",
    post_processes={"NRTRLabelDecode": _CHARACTERS},
    label_encoder="NRTRLabelEncode",
    length_limit=LengthLimit("max_len", 25),
)

ALGORITHMS: Mapping[str, RecognitionAlgorithm] = {a.name: a for a in (CTC, ATTENTION, SAR, NRTR)}
# By the name of a head, on its own or in a multi-head.
BY_HEAD: Mapping[str, RecognitionAlgorithm] = {
    head: a for a in ALGORITHMS.values() for head in (*a.heads, a.multi_head_entry) if head
}
BY_POST_PROCESS: Mapping[str, RecognitionAlgorithm] = {
    name: a for a in ALGORITHMS.values() for name in a.post_processes
}
POST_PROCESSES: Table = {
    name: make_dataclass(name, [], frozen=True, namespace={"IGNORED": ignored})
    for algorithm in ALGORITHMS.values()
    for name, ignored in algorithm.post_processes.items()
}


def algorithm_named(name: str, where: str) -> RecognitionAlgorithm:
    """Returns the algorithm that an exported model names.

    Args:
        name: what the model says.
        where: what an error names.

    Raises:
        ConfigError: this version has none of that name.
    """
    if name not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        cause = f"the algorithm is {name!r}, and this version knows {known}"
        raise ConfigError(where, cause, "Read it with the version that exported it")
    return ALGORITHMS[name]
