"""Tiny bundles for these tests."""

from tests.bundle_fixtures import bundle, golden, other_bundle

__all__ = ["bundle", "golden", "other_bundle"]
