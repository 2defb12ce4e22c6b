"""Uploads in parts that never end."""

import minio
import urllib3

from ocr_lib.settings import Settings
from ocr_lib.storage.store import Store


def start_upload(store: Store, key: str) -> None:
    """Begins an upload in parts, as a process does that is killed before it ends it."""
    settings = Settings.from_env()
    host = store.client.endpoint.partition("://")[2]
    keys = settings.s3_access_key, settings.s3_secret_key
    public = minio.Minio(host, *keys, region=settings.s3_region, secure=False)
    query = {"uploads": ""}
    url = public.get_presigned_url("POST", store.bucket, key, extra_query_params=query)
    assert urllib3.request("POST", url).status == 200
