"""What one request to a served model may hold, and what a server needs for it.

The one place of these numbers: the models' configurations, the client and the manifests follow it,
and tests compare `manifests/base/triton.yaml` and `docs/serving.md` with it.
"""

from dataclasses import dataclass
from typing import Self

from ocr_lib.settings import Settings, variable_name

# Of one request to `<name>`, and of requests that are answered together. Triton itself refuses
# more, before it copies anything into the memory that it shares with its models.
MAX_IMAGES = 16
MAX_BATCH = 64  # of one request to its network
MAX_IMAGE_BYTES = 8 << 20  # encoded; a line of text is far below
MAX_IMAGE_PIXELS = 1 << 24
INSTANCES = 2  # of each model: one decodes images while the other waits for the network
# Of /dev/shm. Images pass through it to each instance, whose part of it grows with the largest
# batch and goes with the instance alone; while a version changes, those of both versions are there.
SHM_BYTES = 2 * INSTANCES * MAX_IMAGES * MAX_IMAGE_BYTES + (128 << 20)  # and room for tensors
REFUSAL = "the request is over its limit"  # the words by which clients know it


@dataclass(frozen=True)
class RequestLimits:
    """Budgets of one request, over all its images; `ocr_lib/serving/request_budget.py` checks them.

    Attributes:
        max_bytes: of the encoded images.
        max_pixels: of the images that their headers claim.
        max_tiles: runs of the network on one image each: one for a line, more for a very wide one.
    """

    max_bytes: int = 64 << 20
    max_pixels: int = 1 << 26
    max_tiles: int = 256

    @classmethod
    def from_env(cls) -> Self:
        """Reads OCR_TRITON_MAX_REQUEST_BYTES, …_PIXELS and …_TILES of the server's environment.

        Raises:
            ConfigError: one of them is not a whole number.
        """
        settings, defaults = Settings.from_env(), cls()
        return cls(
            settings.triton_max_request_bytes or defaults.max_bytes,
            settings.triton_max_request_pixels or defaults.max_pixels,
            settings.triton_max_request_tiles or defaults.max_tiles,
        )


def setting(limit: str) -> str:
    """Returns the variable that sets a limit: `bytes`, `pixels` or `tiles`."""
    return variable_name(f"triton_max_request_{limit}")
