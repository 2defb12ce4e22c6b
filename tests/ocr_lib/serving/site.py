"""A store and a server with what every version must read."""

from dataclasses import dataclass
from pathlib import Path

from ocr_lib.registry.golden_images import GoldenImage
from ocr_lib.registry.production import (
    Production,
    list_versions,
    read_production,
)
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.blue_green import release_name
from ocr_lib.serving.rollout import deploy
from ocr_lib.serving.version_change import Deployment
from ocr_lib.storage.store import Store
from ocr_lib.text.recognition import Recognition
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.ocr_lib.serving.traffic import TEXT

WRONG = [GoldenImage("cab.png", line_image(TEXT), Recognition("not cab", 0.0), scored=False)]


@dataclass
class Site:
    """A store and a server, and the images that every version must read."""

    store: Store
    url: str
    golden: list[GoldenImage]

    def deploy(
        self,
        bundle: Path | str,
        model: str,
        golden: list[GoldenImage] | None = None,
        *,
        force: str = "a test",
    ) -> Deployment:
        return deploy(
            str(bundle),
            model,
            golden or self.golden,
            store=self.store,
            endpoints=[self.url],
            force=force,
        )

    def content(self, key: str) -> bytes:
        return self.store.client.get(self.store.bucket, key, 1 << 20)[0]

    def production(self, model: str) -> Production | None:
        return read_production(self.store, model)

    def objects(self, model: str) -> list[str]:
        """What the store holds of a model."""
        prefixes = (f"registry/{model}/", f"triton/{model}")
        return [item.key for prefix in prefixes for item in self.store.list(prefix)]

    def loaded(self, prefix: str) -> list[str]:
        with TritonAdmin(self.url) as admin:
            return sorted(admin.last_inference_s(prefix))

    def networks(self, model: str, *versions: int) -> list[str]:
        """What a server has that serves one of these versions and keeps the others."""
        digests = {record.version: record.digest for record in list_versions(self.store, model)}
        names = [
            release_name(model, version, digests[version])
            for version in versions
            if version in digests
        ]
        return [model, *sorted(f"{name}_core" for name in names)]
