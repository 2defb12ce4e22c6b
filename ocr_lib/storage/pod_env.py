"""The environment through which pods reach the object store and Triton: secrets and settings.

Values are never written into objects: a pod names the secret, the kubelet fills it in.
"""

from typing import Any

from ocr_lib.storage.access_policy import secret_name

STORE_SECRET_KEYS = {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}
STORE_CONFIG_MAP = "ocr-object-store"
STORE_CONFIG_KEYS = {
    "endpoint": "OCR_S3_ENDPOINT",
    "bucket": "OCR_S3_BUCKET",
    "region": "AWS_DEFAULT_REGION",
    "ca": "OCR_CA_FILE",  # empty where the store's certificate is one that systems trust
}
# Certificates to trust, where the manifests' TLS is on: mounted into every pod that uses the store.
CA_CONFIG_MAP, CA_FOLDER = "ocr-ca", "/etc/ocr-ca"
TRITON_CONFIG_MAP = "ocr-triton"
TRITON_CONFIG_KEYS = {  # all empty where the servers speak no TLS
    "ca": "OCR_TRITON_TLS_CA",
    "name": "OCR_TRITON_TLS_NAME",
    "cert": "OCR_TRITON_TLS_CERT",
    "key": "OCR_TRITON_TLS_KEY",
}
# The certificate that clients show, where the servers ask for one.
TRITON_CLIENT_SECRET, TRITON_CLIENT_FOLDER = "ocr-triton-client", "/etc/ocr-triton-client"


def store_env(stage: str) -> list[dict[str, Any]]:
    """Returns the environment of a container of a stage, see `access.py`; secrets by reference."""
    tables = (
        ("secretKeyRef", secret_name(stage), STORE_SECRET_KEYS),
        ("configMapKeyRef", STORE_CONFIG_MAP, STORE_CONFIG_KEYS),
    )
    return [
        {"name": variable, "valueFrom": {reference: {"name": name, "key": key}}}
        for reference, name, keys in tables
        for key, variable in keys.items()
    ]
