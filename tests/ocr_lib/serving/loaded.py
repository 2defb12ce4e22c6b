"""Models of a served server, loaded from their files."""

from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.model_repository import ModelVersion

MODEL = "served"


def load(admin: TritonAdmin, built: ModelVersion, *names: str) -> None:
    """Loads models from their files, in this order."""
    for name in names:
        files = {f"1/{file}": content for file, content in built.files[name].items()}
        admin.load(name, built.configs[name], files)
