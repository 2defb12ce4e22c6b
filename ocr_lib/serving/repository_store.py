"""What a version leaves in the store: its place in the model repository, and its golden images.

`triton/<model>/` is the model repository. Version directories never change once they are there;
the two `config.pbtxt` files say the version in production, for servers that start.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ocr_lib.atomic import write_json
from ocr_lib.inference.bundle import ONNX, Bundle, BundleError
from ocr_lib.registry.golden_images import GoldenImage, golden_prefix
from ocr_lib.registry.production import CORE_SUFFIX, REPOSITORY
from ocr_lib.regular_file import read_bounded
from ocr_lib.serving.model_repository import Config, ModelVersion, to_pbtxt
from ocr_lib.storage.store import Store
from ocr_lib.text.recognition import Recognition

GOLDEN_FILE = "golden.json"
README = "A Triton model repository, written by `ocr deploy`; version folders never change.\n"


def prepare_bucket(store: Store) -> str:
    """Creates the bucket and an empty model repository unless they are there.

    Returns:
        The model repository's address, as Triton wants it.
    """
    store.client.make_bucket(store.bucket)
    return prepare_repository(store)


def prepare_repository(store: Store) -> str:
    """Makes sure that the model repository exists, and returns its address as Triton wants it.

    Triton does not start on a prefix that has no object.
    """
    if not store.exists(f"{REPOSITORY}/README"):
        store.client.put(store.bucket, f"{REPOSITORY}/README", README.encode())
    return f"s3://{store.client.endpoint}/{store.bucket}/{REPOSITORY}"


def upload_version(store: Store, version: ModelVersion, golden: Sequence[GoldenImage]) -> None:
    """Uploads the version directories, unless they are there, whole, and the golden images."""
    for model, files in version.files.items():
        prefix = f"{REPOSITORY}/{model}/{version.version}"
        if store.find_tree(prefix) is None:
            with tempfile.TemporaryDirectory() as work:
                for name, content in files.items():
                    (Path(work) / name).write_bytes(content)
                store.put_tree(Path(work), prefix)
    with tempfile.TemporaryDirectory() as work:
        _write_golden(Path(work), golden)
        store.put_tree(Path(work), golden_prefix(version.name, version.version))


def download_version(store: Store, model: str, version: int, digest: str, folder: Path) -> Path:
    """Downloads the parts of a bundle that serve, from the model repository.

    Args:
        store: holds the model repository.
        model: the model's name.
        version: its version.
        digest: of the bundle, as the registry recorded it.
        folder: where to.

    Raises:
        MissingObjectError: the repository has no such version.
        BundleError: it holds another bundle.
    """
    prefix, core_prefix = (
        f"{REPOSITORY}/{name}/{version}" for name in (model, model + CORE_SUFFIX)
    )
    store.get_tree(prefix, folder)
    core = store.get_tree(core_prefix, folder.with_name(folder.name + CORE_SUFFIX))
    shutil.copy2(core / ONNX, folder / ONNX)
    actual = Bundle.open(folder, verify=False).digest
    if actual != digest:
        raise BundleError(
            store.uri(prefix),
            f"holds the bundle {actual}, but the registry recorded {digest} as version {version}",
            f"Roll back to another version, or delete {prefix}/ and {core_prefix}/ in the store "
            "and deploy that bundle again",
        )
    return folder


def download_golden(store: Store, model: str, version: int, folder: Path) -> list[GoldenImage]:
    """Downloads the golden images that a version was deployed with.

    Raises:
        MissingObjectError: there is no such version.
    """
    store.get_tree(golden_prefix(model, version), folder)
    items = json.loads(read_bounded(folder / GOLDEN_FILE))
    return [
        GoldenImage(
            item["name"],
            read_bounded(folder / item["file"]),
            Recognition(item["text"], item.get("score") or 0.0),
            scored=item.get("score") is not None,
        )
        for item in items
    ]


def write_configs(store: Store, configs: Mapping[str, Config]) -> None:
    """Makes servers that start serve these configurations; the network's comes first."""
    for model, config in configs.items():
        store.client.put(store.bucket, _config_key(model), to_pbtxt(config))


def _write_golden(folder: Path, golden: Sequence[GoldenImage]) -> None:
    items = []
    for number, item in enumerate(golden):
        (folder / f"{number:04d}.image").write_bytes(item.image)
        score = item.recognition.score if item.scored else None
        text = {"text": item.recognition.text, "score": score}
        items.append({"name": item.name, "file": f"{number:04d}.image", **text})
    write_json(folder / GOLDEN_FILE, items)


def _config_key(model: str) -> str:
    return f"{REPOSITORY}/{model}/config.pbtxt"
