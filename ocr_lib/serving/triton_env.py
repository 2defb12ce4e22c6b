"""Finds tritonserver and its Python on this machine, and lays out what it needs to start.

The binary comes in the wheel nvidia-pytriton, which needs numpy 1, so it has an environment of its
own, `.venv-triton`. The wheel has no onnxruntime backend: `backends/onnxruntime` stands in.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.errors import ServiceError
from ocr_lib.regular_file import read_bounded
from ocr_lib.settings import Settings

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
BACKENDS = Path(__file__).resolve().parent / "backends"
SYSTEM_LIBRARIES = tuple(
    map(
        Path, ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/lib")
    )
)
NEXT_STEP = "Run `make setup`, or name the environment in OCR_TRITON_VENV."


@dataclass(frozen=True)
class TritonEnvironment:
    """Where tritonserver and its parts are.

    Attributes:
        binary: the server.
        site_packages: of the environment that the Python backend runs in.
        libraries: folders for the dynamic linker.
        stub: the executable in which Python models run.
    """

    binary: Path
    site_packages: Path
    libraries: tuple[Path, ...]
    stub: Path

    @property
    def python_backend(self) -> Path:
        """The wheel's Python backend, without its stub."""
        return self.binary.parents[1] / "backends" / "python"

    def variables(self) -> dict[str, str]:
        """Returns what the server's process environment needs besides the caller's."""
        return {"PYTHONDONTWRITEBYTECODE": "1"}

    def search_paths(self) -> dict[str, str]:
        """Returns what comes first in the search paths of the server's process."""
        scripts = self.site_packages.parents[2] / "bin"
        libraries = os.pathsep.join(map(str, self.libraries))
        return {"LD_LIBRARY_PATH": libraries, "PATH": str(scripts)}


def triton_venv() -> Path:
    """Returns the folder of Triton's environment, which may not exist."""
    return Path(Settings.from_env().triton_venv or REPOSITORY_ROOT / ".venv-triton")


def find_triton(venv: Path | None = None) -> TritonEnvironment:
    """Finds the parts of Triton in its environment.

    Raises:
        ServiceError: something is missing; says what to run.
    """
    venv = venv or triton_venv()
    binaries = sorted(
        venv.glob("lib/python3.*/site-packages/pytriton/tritonserver/bin/tritonserver")
    )
    if not binaries:
        raise ServiceError(f"{venv}: there is no tritonserver. {NEXT_STEP}")
    site_packages = binaries[0].parents[3]
    version = site_packages.parent.name.removeprefix("python")
    stubs = binaries[0].parents[1] / "python_backend_stubs"
    stub = stubs / version / "triton_python_backend_stub"
    if not stub.is_file():
        raise ServiceError(f"{venv}: Python {version} has no stub in {stubs}. {NEXT_STEP}")
    base = _base_library(venv)
    library = f"libpython{version}.so.1.0"
    if not any((folder / library).exists() for folder in (base, *SYSTEM_LIBRARIES)):
        raise ServiceError(
            f"{venv}: its Python has no {library}, in which Triton runs Python models. "
            f"Install one that has (`uv python install {version}`), then run `make clean setup`."
        )
    return TritonEnvironment(
        binaries[0], site_packages, (base, site_packages / "nvidia_pytriton.libs"), stub
    )


def lay_out_backends(triton: TritonEnvironment, folder: Path) -> Path:
    """Fills a new folder with the backends that the model repository names, and returns it."""
    python = folder / "python"
    shutil.copytree(triton.python_backend, python)
    shutil.copy2(triton.stub, python)
    shutil.copytree(BACKENDS / "onnxruntime", folder / "onnxruntime")
    return folder


def lay_out_code(folder: Path) -> Path:
    """Fills a new folder with links to the project's packages, and returns it.

    Python models import from the server's working directory; the interpreter they run in reads no
    PYTHONPATH.
    """
    folder.mkdir()
    for package in ("ocr_lib", "components"):
        (folder / package).symlink_to(REPOSITORY_ROOT / package)
    return folder


def _base_library(venv: Path) -> Path:
    """Returns the library folder of the Python that the environment was made from."""
    config = venv / "pyvenv.cfg"
    try:
        lines = read_bounded(config).decode().splitlines()
    except OSError as error:
        raise ServiceError(f"{config}: {error}. {NEXT_STEP}") from error
    for line in lines:
        key, _, value = line.partition("=")
        if key.strip() == "home":
            return Path(value.strip()).parent / "lib"
    return Path(sys.base_prefix) / "lib"
