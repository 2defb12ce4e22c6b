"""The samples that training uses."""

from dataclasses import replace

import numpy as np

from ocr_lib.data.loading.sample_table import SampleTable

TABLE = SampleTable(np.array([32, 64, 96], np.int32), np.array([0, 2]), {32: 8}, 64)


def test_equal_plans_have_equal_digests() -> None:
    same = SampleTable(TABLE.widths.copy(), TABLE.indices.copy(), {}, 1)
    assert same.digest == TABLE.digest


def test_what_decides_the_batches_is_in_the_digest() -> None:
    others = [
        replace(TABLE, widths=np.array([32, 64, 64], np.int32)),
        replace(TABLE, indices=np.array([0, 1])),
        replace(TABLE, indices=np.array([0, 1, 2])),
    ]
    assert len({TABLE.digest, *(other.digest for other in others)}) == 4
