"""KFP's launcher in the pod of a step, as far as the step can tell: one file, mounted.

    python3 launcher_program.py EXECUTOR_INPUT -- COMMAND ARGUMENT…

Fetches the input artifacts, runs the package's command with `{{$}}` filled in, stores the output
artifacts and what the step wrote about them. As the real one it asks Kubernetes for its settings
and its key of the object store, with the step's account.
"""

import base64
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from minio import Minio

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
REPORT = "executor_output.json"

Tree = dict[str, Any]


def ask(resource: str, name: str) -> dict[str, str]:
    """Returns the data of a ConfigMap or a Secret of this namespace."""
    namespace = (ACCOUNT / "namespace").read_text()
    request = urllib.request.Request(
        f"https://kubernetes.default.svc/api/v1/namespaces/{namespace}/{resource}/{name}",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"},
    )
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:
        found: dict[str, str] = json.load(answer)["data"]
        return found


def connect() -> Minio:
    """Returns the object store that the ConfigMap `kfp-launcher` names."""
    settings = yaml.safe_load(ask("configmaps", "kfp-launcher")["providers"])["s3"]["default"]
    reference = settings["credentials"]["secretRef"]
    keys = ask("secrets", reference["secretName"])
    pair = [
        base64.b64decode(keys[reference[name]]).decode()
        for name in ("accessKeyKey", "secretKeyKey")
    ]
    host = urlsplit(settings["endpoint"]).netloc
    return Minio(host, *pair, secure=not settings["disableSSL"], region=settings["region"])


def place(uri: str) -> tuple[str, str, Path]:
    """Returns bucket, key and local path of an artifact."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key, Path("/s3") / bucket / key


def artifacts(lists: Tree) -> Iterator[Tree]:
    """Yields all artifacts of all names."""
    for item in lists.values():
        yield from item["artifacts"]


def fetch(store: Minio, uri: str) -> None:
    """Lays an artifact where the step expects it; one without a file has none."""
    bucket, key, path = place(uri)
    for item in store.list_objects(bucket, prefix=key, recursive=True):
        name = str(item.object_name)
        if name == key or name.startswith(f"{key}/"):
            store.fget_object(bucket, name, str(path) + name.removeprefix(key))


def keep(store: Minio, uri: str) -> None:
    """Stores what the step wrote: a file, each file of a folder, or nothing."""
    bucket, key, path = place(uri)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    for file in files:
        store.fput_object(bucket, key + str(file).removeprefix(str(path)), str(file))


def main(executor_input: Tree, command: list[str]) -> int:
    """Runs the step; returns its exit code."""
    store = connect()
    outputs = executor_input["outputs"]
    for artifact in artifacts(executor_input["inputs"].get("artifacts", {})):
        fetch(store, artifact["uri"])
    for artifact in artifacts(outputs.get("artifacts", {})):
        place(artifact["uri"])[2].parent.mkdir(parents=True, exist_ok=True)
    given = json.dumps(executor_input)
    code = subprocess.run(
        [part.replace("{{$}}", given) for part in command], check=False
    ).returncode
    if code:
        sys.stderr.write(f"failed to execute component: exit status {code}\n")
        return 1  # whatever the step's own code was
    for artifact in artifacts(outputs.get("artifacts", {})):
        keep(store, artifact["uri"])
    bucket, key, _ = place(executor_input["task_root"])
    if Path(outputs["outputFile"]).exists():  # a step without outputs may write none
        store.fput_object(bucket, f"{key}/{REPORT}", outputs["outputFile"])
    return 0


if __name__ == "__main__":
    split = sys.argv.index("--")
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[split + 1 :]))
