"""Every environment variable that this project reads, in one place; nothing else reads any.

A variable that is set to nothing counts as not set. `docs/environment.md` lists them. What only
writes variables: `ocr_lib/child_process.py` for processes that are started, `ocr_lib/cpu.py` and
`ocr_lib/opencv.py` for libraries that read theirs while they are loaded.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from ocr_lib.errors import ConfigError


def _variable(name: str, meaning: str, default: str | int = "", *, secret: bool = False) -> Any:
    """Declares a field that an environment variable sets.

    Args:
        name: of the variable.
        meaning: for the documentation, and for the error where it must be set.
        default: where it is not set; a whole number asks for one.
        secret: its value is never shown.
    """
    return field(default=default, repr=not secret, metadata={"name": name, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment of this process says; each field is one variable."""

    s3_endpoint: str = _variable("OCR_S3_ENDPOINT", "the object store, as `http://host:port`")
    s3_bucket: str = _variable("OCR_S3_BUCKET", "the bucket of the project")
    s3_access_key: str = _variable("AWS_ACCESS_KEY_ID", "the store's access key", secret=True)
    s3_secret_key: str = _variable("AWS_SECRET_ACCESS_KEY", "the store's secret key", secret=True)
    s3_region: str = _variable("AWS_DEFAULT_REGION", "the store's region", "us-east-1")

    ca_file: str = _variable(
        "OCR_CA_FILE",
        "PEM file of certificates to trust next to the system's: the store's, "
        "Kubeflow Pipelines' and Triton's",
    )

    allow_parts: str = _variable(
        "OCR_ALLOW_PARTS", "custom network parts that may be imported, separated by commas"
    )
    debug: str = _variable("OCR_DEBUG", "anything: commands show the traceback of an error")
    log_format: str = _variable("OCR_LOG_FORMAT", "text or json; without it, json in a pod")
    completion: str = _variable(
        "_OCR_COMPLETE", "what a shell asks for, set by the script of `ocr completion`"
    )

    kubeflow_host: str = _variable("KF_PIPELINES_ENDPOINT", "URL of Kubeflow Pipelines' API")
    kubeflow_ui: str = _variable("KF_PIPELINES_UI_ENDPOINT", "URL of its pages")
    kubeflow_ca: str = _variable(
        "OCR_KFP_CA_FILE", "PEM file of certificates to trust there, in place of `OCR_CA_FILE`"
    )
    kubeflow_token: str = _variable("OCR_KFP_TOKEN", "a bearer token for it", secret=True)
    kubeflow_token_file: str = _variable("OCR_KFP_TOKEN_FILE", "a file that holds the token")
    kubeflow_cookie: str = _variable("OCR_KFP_COOKIE", "a session cookie, name=value", secret=True)
    kubeflow_cookie_file: str = _variable("OCR_KFP_COOKIE_FILE", "a file that holds the cookie")
    kubeflow_username: str = _variable("OCR_KFP_USERNAME", "for the form of Dex", secret=True)
    kubeflow_username_file: str = _variable("OCR_KFP_USERNAME_FILE", "a file that holds the name")
    kubeflow_password: str = _variable("OCR_KFP_PASSWORD", "for the form of Dex", secret=True)
    kubeflow_password_file: str = _variable("OCR_KFP_PASSWORD_FILE", "a file that holds it")
    kubeflow_pod_token_file: str = _variable(
        "KF_PIPELINES_SA_TOKEN_PATH",
        "the projected token of a pod of its cluster",
        "/var/run/secrets/kubeflow/pipelines/token",
    )
    kubernetes_host: str = _variable("KUBERNETES_SERVICE_HOST", "set in every pod by Kubernetes")
    kubernetes_token_file: str = _variable(
        "OCR_KUBERNETES_TOKEN_FILE",
        "the token of the account that starts training jobs; without that file the pod's own",
        "/var/run/secrets/ocr-launcher/token",
    )
    kubeconfig: str = _variable("KUBECONFIG", "kubectl's configuration, outside a cluster")

    triton_urls: str = _variable(
        "OCR_TRITON_URL", "`host:port` of each server's gRPC protocol, separated by commas"
    )
    triton_tls_ca: str = _variable(
        "OCR_TRITON_TLS_CA",
        "PEM file of the certificates to trust; turns TLS on, as a client's certificate does",
    )
    triton_tls_cert: str = _variable("OCR_TRITON_TLS_CERT", "PEM file of a client's certificate")
    triton_tls_key: str = _variable("OCR_TRITON_TLS_KEY", "PEM file of its private key")
    triton_tls_name: str = _variable(
        "OCR_TRITON_TLS_NAME", "the name in a server's certificate, if it is not the host's"
    )
    triton_admin_key: str = _variable(
        "OCR_TRITON_ADMIN_KEY", "the key of management calls", secret=True
    )
    triton_admin_key_file: str = _variable(
        "OCR_TRITON_ADMIN_KEY_FILE", "a file that holds that key"
    )
    triton_server_cert: str = _variable(
        "OCR_TRITON_SERVER_CERT", "PEM file of the certificate that `ocr serve` shows"
    )
    triton_server_key: str = _variable("OCR_TRITON_SERVER_KEY", "PEM file of its private key")
    triton_client_ca: str = _variable(
        "OCR_TRITON_CLIENT_CA", "PEM file of the authority that clients' certificates come from"
    )
    triton_tensorrt: str = _variable(
        "OCR_TRITON_TENSORRT", "FP32, FP16 or BF16: servers with a GPU use TensorRT"
    )
    triton_max_request_bytes: int = _variable(
        "OCR_TRITON_MAX_REQUEST_BYTES", "a server refuses a request with more; 0 is 64 MiB", 0
    )
    triton_max_request_pixels: int = _variable(
        "OCR_TRITON_MAX_REQUEST_PIXELS", "the same for its images' pixels; 0 is 67,108,864", 0
    )
    triton_max_request_tiles: int = _variable(
        "OCR_TRITON_MAX_REQUEST_TILES", "the same for runs of the network; 0 is 256", 0
    )
    triton_network_key: str = _variable(
        "OCR_TRITON_NETWORK_KEY",
        "what networks ask of the model in front of them, set by `ocr serve` for its Triton",
        secret=True,
    )
    triton_venv: str = _variable(
        "OCR_TRITON_VENV", "folder of the Python environment that holds tritonserver"
    )
    models: str = _variable("OCR_MODELS", "models that `ocr serve` serves, separated by commas")

    train_job: str = _variable("OCR_TRAIN_JOB", "what a training pod trains, as JSON")
    node_index: int = _variable("OCR_NODE_INDEX", "number of a training pod, from 0", 0)
    attempt: int = _variable("OCR_ATTEMPT", "how often its job was started, from 1", 1)
    devices: int = _variable("OCR_DEVICES", "ranks in a training pod", 1)
    nodes: int = _variable("PADDLE_NNODES", "pods of a training job, set by the operator", 1)
    rank: int = _variable("PADDLE_TRAINER_ID", "rank of a process, set by Paddle's launcher", 0)
    world_size: int = _variable("PADDLE_TRAINERS_NUM", "number of ranks, set by the launcher", 1)
    local_ranks: int = _variable("PADDLE_LOCAL_SIZE", "ranks on this machine, set likewise", 1)
    rank_endpoints: str = _variable(
        "PADDLE_TRAINER_ENDPOINTS", "addresses of all ranks, set likewise"
    )
    rendezvous: str = _variable("PADDLE_MASTER", "where the ranks find each other, set likewise")
    rendezvous_host: str = _variable("MASTER_ADDR", "the same for one rendezvous, its host")
    rendezvous_port: int = _variable("MASTER_PORT", "and its port", 0)
    termination_log: str = _variable(
        "OCR_TERMINATION_LOG",
        "where a training pod writes why it ended, for its status",
        "/dev/termination-log",
    )
    pod_name: str = _variable("HOSTNAME", "name of a pod, set by Kubernetes", "worker")
    pipeline_pod: str = _variable("KFP_POD_NAME", "name of a step's pod, set by Kubeflow")

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Reads the variables.

        In a pod Kubernetes sets `<NAME>_PORT=tcp://…` for each Service of the namespace, so that
        one called `master` seems to set MASTER_PORT: such values are left out.

        Args:
            environment: of another process; None for this one's.

        Raises:
            ConfigError: one that holds a number does not.
        """
        given = os.environ if environment is None else environment
        values: dict[str, str | int] = {}
        for item in fields(cls):
            name = item.metadata["name"]
            text = given.get(name, "")
            if text and not _is_service_link(name, text):
                values[item.name] = _number(name, text) if item.type is int else text
        return cls(**values)  # type: ignore[arg-type]

    def secrets(self) -> tuple[str, ...]:
        """Returns the values that must be shown nowhere."""
        values = (str(getattr(self, item.name)) for item in fields(self) if not item.repr)
        return tuple(filter(None, values))

    def required(self, name: str) -> str:
        """Returns the text of a field that must not be empty.

        Raises:
            ConfigError: its variable is not set.
        """
        if not (value := str(getattr(self, name))):
            meaning = variable(name)["meaning"]
            raise ConfigError(variable_name(name), "is not set", f"Set it: {meaning}")
        return value


def variable(name: str) -> Mapping[str, str]:
    """Returns name and meaning of the variable that sets a field of `Settings`."""
    (metadata,) = (item.metadata for item in fields(Settings) if item.name == name)
    return metadata


def variable_name(name: str) -> str:
    """Returns the name of the variable that sets a field of `Settings`."""
    return variable(name)["name"]


def _is_service_link(name: str, text: str) -> bool:
    """Tells a value that Kubernetes injects for a Service (`enableServiceLinks` of the pod)."""
    is_link = re.fullmatch(r"(tcp|udp|sctp)://[0-9a-fA-F.:\[\]]+:[0-9]+", text)
    return name.endswith("_PORT") and is_link is not None


def _number(name: str, text: str) -> int:
    if not (text.isdecimal() and len(text) < 10):
        raise ConfigError(name, f"{text!r} is not a whole number", "Unset it, or give digits alone")
    return int(text)
