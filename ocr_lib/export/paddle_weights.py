"""Whether a file of Paddle's weights is whole: Paddle writes a shortened one without an error."""

import math
import struct
from pathlib import Path
from typing import BinaryIO

# Format: paddle/phi/core/framework/dense_tensor_serialize.cc. Version, levels of detail, version of
# the tensor, bytes of its description; the description and the values follow.
HEADER = struct.Struct("<IQIi")
MAX_DESCRIPTION_BYTES = 1 << 12
# Type of values, as in Paddle's framework.proto → bytes of one.
VALUE_BYTES = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 20: 1, 21: 1, 22: 2}


def is_whole(file: Path) -> bool:
    """Tells whether a `.pdiparams` file ends where its last tensor does; an empty one does not.

    A network's size says less: parameters that its answer does not depend on are left out.

    Raises:
        OSError: it cannot be read.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        while opened.tell() < size:
            values = _value_bytes(opened)
            if values is None or opened.tell() + values > size:
                return False
            opened.seek(values, 1)
    return size > 0


def _value_bytes(opened: BinaryIO) -> int | None:
    """Reads what precedes a tensor's values; returns their size, None where it is cut off."""
    from google.protobuf.message import DecodeError
    from paddle.base.proto.framework_pb2 import VarType

    header = opened.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    _, levels, _, length = HEADER.unpack(header)
    if levels or not 0 < length <= MAX_DESCRIPTION_BYTES:
        return None
    tensor = VarType.TensorDesc()
    try:
        tensor.ParseFromString(opened.read(length))
    except DecodeError:
        return None
    value = VALUE_BYTES.get(tensor.data_type)
    return (
        None if value is None or min(tensor.dims, default=0) < 0 else value * math.prod(tensor.dims)
    )
