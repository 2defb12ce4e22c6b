"""LMDB data sets of labelled lines: pack, read, verify."""

from ocr_lib.data.lmdb_merge import merge
from ocr_lib.data.lmdb_pack import describe_dropped, pack, pack_split
from ocr_lib.data.lmdb_read import LmdbDataset
from ocr_lib.data.lmdb_verify import VerifyReport, verify
from ocr_lib.data.manifest import Manifest
from ocr_lib.data.samples import Sample

__all__ = [
    "LmdbDataset",
    "Manifest",
    "Sample",
    "VerifyReport",
    "describe_dropped",
    "merge",
    "pack",
    "pack_split",
    "verify",
]
