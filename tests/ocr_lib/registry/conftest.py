"""Tiny bundles, and an empty bucket, for these tests."""

from tests.bundle_fixtures import bundle, golden, other_bundle
from tests.ocr_lib.registry.used_bucket import bucket

__all__ = ["bucket", "bundle", "golden", "other_bundle"]
