"""LMDB data sets of labelled lines: pack, read, verify."""

from ocr_lib.data.base import Sample
from ocr_lib.data.lmdb_store.manifest import Manifest
from ocr_lib.data.lmdb_store.merge import merge
from ocr_lib.data.lmdb_store.pack import describe_dropped, pack, pack_split
from ocr_lib.data.lmdb_store.read import LmdbDataset
from ocr_lib.data.lmdb_store.verify import VerifyReport, verify

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
