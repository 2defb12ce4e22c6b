"""The order in which the eye meets the characters of a line, from its left end.

A network reads a line from the left; labels are in the order in which people read and type. In
Arabic, Hebrew and other right-to-left scripts the two differ, and numbers and Latin words inside
them keep their own direction.

Source: Unicode Standard Annex 9 (the Unicode Bidirectional Algorithm), rules W1 to W7, N0 to N2,
I1, I2 and L1 to L4. A line is one paragraph without explicit embeddings, whose characters are kept
where they are. Lines with a right-to-left letter have the paragraph direction right-to-left: an
image does not show it, and in such documents it is the usual one, as PaddleOCR has it too.
"""

import unicodedata
from collections.abc import Callable, Iterator

_PAIRS = (
    "()[]{}༺༻༼༽᚛᚜⁅⁆⁽⁾₍₎⌈⌉⌊⌋〈〉❨❩❪❫❬❭❮❯❰❱❲❳❴❵⟦⟧"
    "⟨⟩⟪⟫⟬⟭⟮⟯⦃⦄⦅⦆〈〉《》「」『』【】〔〕〖〗〘〙〚〛﹙﹚﹛﹜﹝﹞（）［］"
    "｛｝｟｠｢｣"
)
_MIRRORED_ONLY = "«»‹›<>≤≥≦≧≪≫≲≳≺≻⊂⊃⊆⊇∈∋＜＞﹤﹥"
_CLOSING = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_BOTH = _PAIRS + _MIRRORED_ONLY
MIRROR = dict(zip(_BOTH[::2], _BOTH[1::2], strict=True)) | dict(
    zip(_BOTH[1::2], _BOTH[::2], strict=True)
)
_RIGHT = frozenset({"R", "AL"})
_RIGHT_TO_LEFT = _RIGHT | {"AN"}
_SEPARATES = {"ES": {"EN"}, "CS": {"EN", "AN"}}  # a sign → the numbers that it can be within
_NEUTRAL = frozenset({"B", "S", "WS", "ON", "LRI", "RLI", "FSI", "PDI"})
_EXPLICIT = frozenset({"BN", "LRE", "RLE", "LRO", "RLO", "PDF"})
_FORMATTING = _EXPLICIT | {"LRI", "RLI", "FSI", "PDI"}

ROUNDS = 8  # of placing characters until the line that they give is the one in the image


def has_right_to_left(text: str) -> bool:
    """Returns whether a text has a letter of a right-to-left script."""
    return not text.isascii() and any(unicodedata.bidirectional(c) in _RIGHT for c in text)


def visual_order(text: str) -> str:
    """Returns a line's characters from the left end of its image, brackets as they are drawn.

    A text without right-to-left characters is returned as it is.
    """
    layout = _layout(text)
    if layout is None:
        return text
    levels, order = layout
    return "".join(_drawn(text[i], levels[i]) for i in order)


def reading_order(visual: str) -> str:
    """Returns a text whose `visual_order` is given: the algorithm has no inverse of its own.

    Where an image can be read in two ways (a number between Arabic and Latin words), one of them.
    """
    usual = text = visual_order(visual)
    for _ in range(ROUNDS):
        layout = _layout(text)
        if layout is None:
            break
        levels, order = layout
        placed = list(text)
        for drawn, i in zip(visual, order, strict=True):
            placed[i] = _drawn(drawn, levels[i])
        if (better := "".join(placed)) == text:
            break
        text = better
    return text if visual_order(text) == visual else usual


def _layout(text: str) -> tuple[list[int], list[int]] | None:
    """Returns each character's level, and the characters' positions from the left end of the line.

    None where nothing is out of order.
    """
    if text.isascii():
        return None
    classes = [unicodedata.bidirectional(c) or "L" for c in text]
    if _RIGHT_TO_LEFT.isdisjoint(classes):
        return None
    levels = _levels(text, classes, 0 if _RIGHT.isdisjoint(classes) else 1)
    return levels, _reordered(levels)


def _drawn(character: str, level: int) -> str:
    return MIRROR.get(character, character) if level % 2 else character


def _levels(text: str, original: list[str], base: int) -> list[int]:
    """Returns the embedding level of each character."""
    start = "R" if base else "L"
    types = _weak(original, start)
    _brackets(text, types, start)
    _neutral(types, start)
    higher = {0: {"R": 1, "AN": 2, "EN": 2}, 1: {"L": 2, "AN": 2, "EN": 2}}[base]
    levels = [higher.get(kind, base) for kind in types]
    trailing = True  # L1
    for i in range(len(levels) - 1, -1, -1):
        if original[i] in ("S", "B"):
            levels[i], trailing = base, True
        elif trailing and original[i] in _FORMATTING | {"WS"}:
            levels[i] = base
        else:
            trailing = False
    return levels


def _weak(classes: list[str], start: str) -> list[str]:
    """Rules W1 to W7."""
    types = ["R" if kind == "AL" else kind for kind in _in_context(classes, start)]  # W3
    for i in range(1, len(types) - 1):  # W4
        left, kind, right = types[i - 1 : i + 2]
        if left == right and left in _SEPARATES.get(kind, ()):
            types[i] = left
    for first, last in _runs(types, lambda kind: kind == "ET"):  # W5
        if "EN" in types[max(0, first - 1) : first] + types[last : last + 1]:
            types[first:last] = ["EN"] * (last - first)
    strong = start
    for i, kind in enumerate(types):
        if kind in ("L", "R"):
            strong = kind
        elif kind in ("ES", "ET", "CS"):  # W6
            types[i] = "ON"
        elif kind == "EN" and strong == "L":  # W7
            types[i] = "L"
    return types


def _in_context(classes: list[str], start: str) -> Iterator[str]:
    """Rules W1 and W2: marks are as the character before them, numbers as the letter before."""
    strong = before = start
    for kind in classes:
        if kind == "NSM" or kind in _EXPLICIT:
            kind = before
        if kind in ("L", "R", "AL"):
            strong = kind
        before = "AN" if kind == "EN" and strong == "AL" else kind
        yield before


def _brackets(text: str, types: list[str], base: str) -> None:
    """Rule N0: both brackets of a pair get one direction, that of what they enclose."""
    opposite = "L" if base == "R" else "R"
    for first, last in sorted(_bracket_pairs(text, types)):
        inside = {_direction(kind) for kind in types[first + 1 : last]}
        if base in inside:
            types[first] = types[last] = base
        elif opposite in inside:
            before = (_direction(kind) for kind in reversed(types[:first]))
            context = next((kind for kind in before if kind in ("L", "R")), base)
            types[first] = types[last] = opposite if context == opposite else base


def _bracket_pairs(text: str, types: list[str]) -> Iterator[tuple[int, int]]:
    opened: list[tuple[str, int]] = []
    for i, character in enumerate(text):
        if types[i] != "ON":
            continue
        if character in _CLOSING:
            opened.append((_CLOSING[character], i))
        else:
            depths = [depth for depth, (closing, _) in enumerate(opened) if closing == character]
            if depths:
                yield opened[depths[-1]][1], i
                del opened[depths[-1] :]


def _neutral(types: list[str], base: str) -> None:
    """Rules N1 and N2: spaces and signs take the direction of both their sides, or the line's."""
    for first, last in _runs(types, lambda kind: kind in _NEUTRAL):
        before = _direction(types[first - 1]) if first else base
        after = _direction(types[last]) if last < len(types) else base
        types[first:last] = [before if before == after else base] * (last - first)


def _direction(kind: str) -> str:
    return "R" if kind in ("R", "EN", "AN") else kind


def _runs(types: list[str], holds: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Returns begin and end of the longest runs of types for which something holds."""
    runs: list[tuple[int, int]] = []
    first = None
    for i, kind in enumerate([*types, ""]):
        if holds(kind) and first is None:
            first = i
        elif not holds(kind) and first is not None:
            runs.append((first, i))
            first = None
    return runs


def _reordered(levels: list[int]) -> list[int]:
    """Rule L2: reverses every run of a level and higher, from the highest to the lowest odd."""
    order = list(range(len(levels)))
    for level in (2, 1):
        for first, last in _runs([str(int(x >= level)) for x in levels], lambda kind: kind == "1"):
            order[first:last] = order[first:last][::-1]
    return order
