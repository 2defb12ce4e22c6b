"""The changelog, the upgrade notes and the package speak of the same versions."""

import re

from ocr_lib import __version__
from tests.docs.test_vocabulary import ROOT

SECTION = re.compile(r"^## (\d+\.\d+\.\d+)( – (?:unreleased|\d{4}-\d{2}-\d{2}))?$")


def test_the_newest_section_is_of_this_version() -> None:
    headings = [line for line in _lines("CHANGELOG.md") if line.startswith("## ")]
    sections = [SECTION.fullmatch(line) for line in headings]
    assert all(sections), headings
    versions = [section[1] for section in sections if section]
    assert versions[0] == __version__
    assert versions == sorted(versions, key=_number, reverse=True)


def test_upgrades_are_between_versions_that_the_changelog_has() -> None:
    title = _lines("docs/upgrading.md")[0]
    match = re.fullmatch(r"# Upgrading from (\d+\.\d+) to (\d+\.\d+)", title)
    assert match, title
    known = {
        section[1].rpartition(".")[0]
        for section in map(SECTION.fullmatch, _lines("CHANGELOG.md"))
        if section
    }
    assert {*match.groups()} <= known
    assert match[2] == __version__.rpartition(".")[0]


def _lines(name: str) -> list[str]:
    return (ROOT / name).read_text("utf-8").splitlines()


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
