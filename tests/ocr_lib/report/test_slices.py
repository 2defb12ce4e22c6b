from dataclasses import replace

from ocr_lib.report.changes import Changes
from ocr_lib.report.slices import slices
from tests.ocr_lib.report.page_reports import models


def test_a_section_for_every_property_that_divides_the_lines() -> None:
    candidate, champion = models()
    sections = slices(candidate, champion, Changes(candidate, champion))
    assert [section.dimension for section in sections] == ["length", "width", "class", "source"]
    (source,) = [section for section in sections if section.dimension == "source"]
    assert source.with_changes
    assert source.reach == 1.0
    change = source.change(source.parts[0])
    assert change is not None
    assert change.value == source.parts[0].accuracy - source.champion[source.parts[0].name].accuracy


def test_a_champion_with_other_slices_is_left_out() -> None:
    candidate, champion = models()
    other = replace(champion, by_source=champion.by_source[:1])
    sections = slices(candidate, other, Changes(candidate, other))
    assert {section.dimension: bool(section.champion) for section in sections} == {
        "length": True,
        "width": True,
        "class": True,
        "source": False,
    }
    assert not sections[-1].with_changes
