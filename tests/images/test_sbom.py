import json
import re
import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.images.scripts import ROOT, script

sbom = script("sbom")
VERSION = "0.2.0"


def stated(**fields: str) -> Message:
    message = Message()
    message["Name"] = "some-package"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize("image", list(sbom.LOCKS))
def test_a_bill_is_what_the_standard_says_and_the_same_every_time(image: str) -> None:
    text = json.dumps(sbom.bill(image, VERSION))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.dumps(sbom.bill(image, VERSION)) == text


@pytest.mark.parametrize("image", list(sbom.LOCKS))
def test_every_locked_package_is_in_it_with_its_digests(image: str) -> None:
    """Counted in the lock's text, not with the function under test."""
    text = (ROOT / "requirements" / f"{sbom.LOCKS[image][0]}.txt").read_text("utf-8")
    entries = re.findall(r"^([\w.-]+)==(\S+)( ;.*)?", text, re.MULTILINE)
    everywhere = {(name, version) for name, version, marker in entries if not marker}
    components = sbom.bill(image, VERSION)["components"]
    found = {(item["name"], item["version"]) for item in components}
    assert everywhere <= found <= {(name, version) for name, version, _ in entries}
    digests = {
        entry["content"]
        for item in components
        for reference in item["externalReferences"]
        for entry in reference["hashes"]
    }
    assert digests <= set(re.findall("sha256:([0-9a-f]{64})", text))
    assert all(item["externalReferences"][0]["hashes"] for item in components)


def test_a_lock_of_each_python_image_has_a_bill() -> None:
    dockerfiles = {path.name.partition(".")[0] for path in (ROOT / "images").glob("*.Dockerfile")}
    assert dockerfiles - set(sbom.LOCKS) == {
        "triton"
    }  # NVIDIA's image, which has a bill of its own
    for image, (lock, _) in sbom.LOCKS.items():
        text = (ROOT / "images" / f"{image}.Dockerfile").read_text("utf-8")
        assert f"install.sh packages {lock}.txt" in text


@pytest.mark.parametrize("image", list(sbom.LOCKS))
def test_every_licence_is_known_and_allowed(image: str) -> None:
    assert sbom.refused(sbom.bill(image, VERSION)) == []


def test_a_licence_that_is_not_allowed_or_not_known_is_named() -> None:
    document = {
        "components": [
            {"name": "a", "version": "1", "licenses": [{"expression": "MIT"}]},
            {"name": "b", "version": "2", "licenses": [{"expression": "AGPL-3.0-only"}]},
            {"name": "c", "version": "3"},
        ]
    }
    assert sbom.refused(document) == ["b 2: AGPL-3.0-only", "c 3: no known licence"]


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-2.0-only", True),
        ("MIT AND GPL-2.0-only", False),
        ("BSD-3-Clause AND MIT", True),
        ("(MIT OR GPL-2.0-only) AND Zlib", False),  # not understood, thus refused
        ("", False),
    ],
)
def test_one_choice_of_an_expression_must_be_allowed_in_all_its_parts(
    expression: str, allowed: bool
) -> None:
    assert sbom.is_allowed(expression) is allowed


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"License_Expression": "GPL-3.0-only", "License": "MIT"}, "GPL-3.0-only"),
        ({"License": "Apache License v2.0"}, "Apache-2.0"),
        ({"Classifier": "License :: OSI Approved :: ISC License (ISCL)"}, "ISC"),
        ({"License": "BSD"}, ""),
        ({"Classifier": "Topic :: MIT License"}, ""),
        ({}, ""),
    ],
)
def test_a_licence_is_read_from_what_the_package_states(
    fields: dict[str, str], expected: str
) -> None:
    assert sbom.licence(stated(**fields)) == expected


def test_the_command_writes_a_file_for_each_image(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "images/sbom.py"), "--out", str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{image}.cdx.json" for image in sbom.LOCKS}
