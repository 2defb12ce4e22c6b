"""Writes what each image holds of packages, as CycloneDX, and checks their licences.

    python images/sbom.py --out build/sbom

Packages, versions and digests are those of the locks in `requirements/`, licences those that the
installed packages state: run it in the environment that `make setup` makes. The base images and
what `apt-get` adds to them are not in it.
"""

import argparse
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
# Image → its lock, and the environment that has the same packages.
LOCKS = {
    "data": ("image-data", ".venv"),
    "train": ("image-train", ".venv"),
    "serve": ("image-serve", ".venv"),
    "triton-cpu": ("triton", ".venv-triton"),
}
# What the images run on; the locks hold other platforms' packages too.
PLATFORM = {
    **{"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
    **{"platform_machine": "x86_64", "implementation_name": "cpython"},
    **{"platform_python_implementation": "CPython"},
    **{"python_version": "3.11", "python_full_version": "3.11.0"},
}
# Licences under which this project may be passed on as it is. All are permissive, but for MPL-2.0,
# whose conditions are about changes of the package itself.
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MIT-CMU", "MPL-2.0", "OLDAP-2.8", "PSF-2.0", "Unlicense", "ZPL-2.1", "Zlib"),
}
# What packages write that state no SPDX expression, in lower case.
SPDX = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
# Packages whose metadata say "BSD" without saying which, or hold the whole text; read in the
# licence files that they bring. numpy: 1.26, of the triton-cpu image; later ones state theirs.
LICENCES = {"jinja2": "BSD-3-Clause", "numpy": "BSD-3-Clause", "pyasn1-modules": "BSD-2-Clause"}
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Package:
    """A locked package.

    Attributes:
        name: normalised.
        version: the only one that the lock takes.
        digests: sha256 of the files that it takes, hexadecimal.
    """

    name: str
    version: str
    digests: tuple[str, ...]


def locked(lock: str) -> Iterator[Package]:
    """Yields what a lock installs on the images' platform."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    for entry in re.findall(r"^[^#\s].*$", text.replace("\\\n", " "), re.MULTILINE):
        requirement = Requirement(entry.partition(" --hash")[0])
        if requirement.marker is None or requirement.marker.evaluate(PLATFORM):
            (pin,) = requirement.specifier
            digests = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
            yield Package(canonicalize_name(requirement.name), pin.version, digests)


@cache
def licences(environment: str) -> dict[tuple[str, str], str]:
    """Returns name and version of each package of an environment → its licence."""
    (folder,) = (ROOT / environment / "lib").glob("python*/site-packages")
    return {
        (canonicalize_name(item.metadata["Name"]), item.version): licence(item.metadata)
        for item in metadata.distributions(path=[str(folder)])
    }


def licence(stated: Any) -> str:
    """Returns a package's licence as an SPDX expression; empty where it states none that is known.

    Args:
        stated: the package's metadata.
    """
    name = canonicalize_name(stated["Name"])
    if expression := stated["License-Expression"]:
        return str(expression)
    classifiers = stated.get_all("Classifier") or ()
    texts = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License")]
    for text in (stated["License"] or "", *texts):
        known = SPDX.get(text.strip().lower(), text.strip())
        if known in ALLOWED:
            return known
    return LICENCES.get(name, "")


def is_allowed(expression: str) -> bool:
    """Tells whether an SPDX expression without brackets leaves a licence of `ALLOWED` to take."""
    choices = [set(choice.split(" AND ")) for choice in expression.split(" OR ")]
    return any(choice <= ALLOWED for choice in choices)


def bill(image: str, version: str) -> Tree:
    """Returns the bill of materials of an image, the same bytes for the same locks."""
    lock, environment = LOCKS[image]
    stated = licences(environment)
    packages = sorted(set(locked(lock)), key=lambda package: package.name)
    components = [component(item, stated.get((item.name, item.version), "")) for item in packages]
    root = f"ocr-pipelines/{image}@{version}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([root, components])).urn,
        "version": 1,
        "metadata": {
            "component": {
                **{"type": "container", "bom-ref": root, "version": version},
                "name": f"ocr-pipelines/{image}",
            },
            "lifecycles": [{"phase": "pre-build"}],
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": [item["bom-ref"] for item in components]},
        ],
    }


def component(package: Package, expression: str) -> Tree:
    """Returns a package as CycloneDX has it."""
    url = f"pkg:pypi/{package.name}@{package.version}"
    hashes = [{"alg": "SHA-256", "content": digest} for digest in package.digests]
    return {
        **{"type": "library", "bom-ref": url, "purl": url},
        **{"name": package.name, "version": package.version},
        **({"licenses": [{"expression": expression}]} if expression else {}),
        "externalReferences": [{"type": "distribution", "url": url, "hashes": hashes}],
    }


def refused(document: Tree) -> list[str]:
    """Returns the packages of a bill whose licence is not known or not allowed, a line for each."""
    lines = []
    for item in document["components"]:
        expression = item["licenses"][0]["expression"] if "licenses" in item else ""
        if not is_allowed(expression):
            lines.append(f"{item['name']} {item['version']}: {expression or 'no known licence'}")
    return lines


def main() -> int:
    """Writes a file for each image; returns 1 where a licence is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sbom", help="a folder")
    args = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    args.out.mkdir(parents=True, exist_ok=True)
    lines = set()
    for image in LOCKS:
        document = bill(image, project["version"])
        path = args.out / f"{image}.cdx.json"
        path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        lines.update(refused(document))
        sys.stdout.write(f"{path}: {len(document['components'])} packages\n")
    for line in sorted(lines):
        sys.stderr.write(f"{line}\n")
    if lines:
        sys.stderr.write(
            "Read the licences of these packages. Add them to ALLOWED, SPDX or LICENCES in "
            "images/sbom.py where the project may be passed on with them, else do without.\n"
        )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
