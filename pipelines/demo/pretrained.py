"""What the demo's training starts from: a weights file, or a folder that `ocr import` wrote."""

from pathlib import Path
from typing import Any

from ocr_lib.converters.layout import CONFIG
from ocr_lib.digest import sha256_tree
from ocr_lib.storage.store import Store
from pipelines.demo.sources import upload

# The imported network reads thousands of characters; it goes on with those of the lines alone.
OVERRIDES = ("Global.character_dict_path=labels",)


def pretrained_parameters(pretrained: Path, store: Store, out: Path) -> dict[str, Any]:
    """Uploads the weights and returns the pipeline's parameters that go with them.

    Args:
        pretrained: a `.pdparams` file of the network that is trained anyway, or an import, which
            brings its own network's configuration.
        store: where to.
        out: the demo's folder.
    """
    if pretrained.is_file():
        return {"pretrained_uri": upload(pretrained, store, out).uri}
    uri = store.put_tree(pretrained, f"sources/{sha256_tree(pretrained)}/pretrained")
    return {"pretrained_uri": uri, "config": f"{uri}/{CONFIG}"}


def pretrained_overrides(pretrained: Path) -> tuple[str, ...]:
    """Returns the `Key.sub=value` overrides that go with the weights."""
    return () if pretrained.is_file() else OVERRIDES
