"""The object store of the component tests serves here as well."""

from tests.components.conftest import s3_server, store

__all__ = ["s3_server", "store"]
