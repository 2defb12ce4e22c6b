"""Random texts such as receipts, labels and forms carry: dates, amounts, names, references."""

import string
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ocr_lib.data.synthetic import vocabulary as words

MAX_LENGTH = 25
ALPHABET = "".join(map(chr, range(32, 127)))
"""Printable ASCII: the 95 characters of PaddleOCR's English dictionary, the space among them."""

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters of codes: no I and no O, which out of a word some faces draw like l and 0."""
MARKS = string.punctuation

Item = TypeVar("Item")


def sample_text(rng: np.random.Generator) -> str:
    """Draws one line of 1 to `MAX_LENGTH` characters of `ALPHABET`, no space at either end."""
    while True:
        text = _case(rng, _pick(rng, _KINDS)(rng))
        if 1 <= len(text) <= MAX_LENGTH:
            return text


def _pick(rng: np.random.Generator, choices: Sequence[Item]) -> Item:
    return choices[int(rng.integers(len(choices)))]


def _number(rng: np.random.Generator, low: int, high: int) -> int:
    """An integer in [low, high]."""
    return int(rng.integers(low, high + 1))


def _digits(rng: np.random.Generator, count: int) -> str:
    return f"{_number(rng, 0, 10**count - 1):0{count}d}"


def _letters(rng: np.random.Generator, count: int) -> str:
    return "".join(_pick(rng, CODE_LETTERS) for _ in range(count))


def _case(rng: np.random.Generator, text: str) -> str:
    """Receipts shout: 40 % of lines in capitals, 8 % in small letters."""
    draw = rng.random()
    if draw < 0.40:
        return text.upper()
    return text.lower() if draw < 0.48 else text


def _date(rng: np.random.Generator) -> str:
    day, month, year = _number(rng, 1, 28), _number(rng, 1, 12), _number(rng, 1990, 2039)
    name, long_name = words.MONTHS[month - 1], words.LONG_MONTHS[month - 1]
    return _pick(
        rng,
        (
            f"{day:02d}/{month:02d}/{year}",
            f"{day:02d}/{month:02d}/{year % 100:02d}",
            f"{month}/{day}/{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{day:02d}-{month:02d}-{year}",
            f"{day:02d}.{month:02d}.{year}",
            f"{day} {name} {year}",
            f"{day:02d}-{name}-{year % 100:02d}",
            f"{name} {day}, {year}",
            f"{long_name} {day}, {year}",
            f"{_pick(rng, words.WEEKDAYS)} {day} {name} '{year % 100:02d}",
            f"{name} {year}",
        ),
    )


def _time(rng: np.random.Generator) -> str:
    hour, minute, second = _number(rng, 0, 23), _number(rng, 0, 59), _number(rng, 0, 59)
    clock = f"{hour:02d}:{minute:02d}"
    half = f"{hour % 12 or 12}:{minute:02d} {'AM' if hour < 12 else 'PM'}"
    return _pick(rng, (clock, half, f"{clock}:{second:02d}", f"{_date(rng)} {clock}"))


def _value(rng: np.random.Generator) -> str:
    """An amount without a currency; amounts of every magnitude are equally likely."""
    whole = _number(rng, 0, 10 ** _number(rng, 1, 6) - 1)
    cents = _number(rng, 0, 99)
    return _pick(
        rng,
        (
            f"{whole}.{cents:02d}",
            f"{whole}.{cents:02d}",
            f"{whole:,}.{cents:02d}",
            f"{whole:,}.{cents:02d}",
            f"{whole:,}".replace(",", ".") + f",{cents:02d}",
            f"{whole:,}",
        ),
    )


def _amount(rng: np.random.Generator) -> str:
    value, currency = _value(rng), _pick(rng, words.CURRENCIES)
    return _pick(
        rng,
        (
            value,
            value,
            f"{currency}{value}",
            f"{currency} {value}",
            f"{value} {currency}",
            f"-{value}",
            f"({value})",
            f"{_number(rng, 1, 20)} x {value}",
            f"{_number(rng, 1, 20)} @ {value}",
        ),
    )


def _field(rng: np.random.Generator) -> str:
    name, colon = _pick(rng, words.FIELDS), _pick(rng, (": ", ":", " ", " : ", " = ", " # "))
    value = _pick(rng, (_amount, _amount, _reference, _date, _short_number))(rng)
    return _pick(rng, (f"{name}{colon}{value}", f"{name}{colon}{value}", name, f"{name}:"))


def _short_number(rng: np.random.Generator) -> str:
    number = _number(rng, 0, 10 ** _number(rng, 1, 4) - 1)
    return _pick(rng, (f"{number}", f"#{number}", f"{number}%", f"x{number}", f"*{number}"))


def _item(rng: np.random.Generator) -> str:
    noun, adjective = _pick(rng, words.NOUNS), _pick(rng, words.ADJECTIVES)
    size = f"{_number(rng, 1, 999)}{_pick(rng, ('', ' '))}{_pick(rng, words.UNITS)}"
    return _pick(
        rng,
        (
            f"{adjective} {noun}",
            f"{adjective} {noun}",
            f"{noun} {size}",
            f"{noun} ({size})",
            f"{noun} & {_pick(rng, words.NOUNS)}",
            f"{noun}/{_pick(rng, words.NOUNS)}",
            f"{_number(rng, 1, 12)} {adjective} {noun}",
            f"*{noun}, {adjective.lower()}",
            noun,
            size,
        ),
    )


def _person(rng: np.random.Generator) -> str:
    first, last = _pick(rng, words.FIRST_NAMES), _pick(rng, words.NAMES)
    company = f"{last} {_pick(rng, words.COMPANIES)}"
    return _pick(
        rng,
        (
            f"{first} {last}",
            f"{last}, {first}",
            f"{first[0]}. {last}",
            f"{company}",
            f"{first}'s {_pick(rng, words.NOUNS)}",
            f"{_number(rng, 1, 999)}, {last} {_pick(rng, words.STREETS)}",
            f"{_digits(rng, 5)} {last}",
            f"{first}.{last}@{_pick(rng, words.NOUNS)}.com".lower(),
            f"www.{_pick(rng, words.NOUNS)}{last}.com".lower(),
        ),
    )


def _phone(rng: np.random.Generator) -> str:
    head, middle, tail = _digits(rng, 3), _digits(rng, 3), _digits(rng, 4)
    return _pick(
        rng,
        (
            f"{head}-{middle} {tail}",
            f"({head}) {middle}-{tail}",
            f"+{_number(rng, 1, 99)} {head} {middle} {tail}",
            f"Tel: {head}-{middle}{tail}",
            f"{head}{middle}{tail}",
        ),
    )


def _reference(rng: np.random.Generator) -> str:
    letters, number = _letters(rng, _number(rng, 1, 3)), _digits(rng, _number(rng, 2, 8))
    return _pick(
        rng,
        (
            f"{letters}-{number}",
            f"{letters}{number}",
            f"#{number}",
            f"{number}/{_digits(rng, 2)}",
            f"{number}-{letters}",
            f"INV{number}",
            f"No. {number}",
            f"{letters}_{number}",
            number,
        ),
    )


def _phrase(rng: np.random.Generator) -> str:
    phrase, noun = _pick(rng, words.PHRASES), _pick(rng, words.NOUNS)
    return _pick(
        rng,
        (
            f"{phrase}{_pick(rng, ('', '!', '.', '...', ':'))}",
            f'"{_pick(rng, words.ADJECTIVES)} {noun}"',
            f'{_number(rng, 1, 60)}" {noun}',
            f"{noun}? {_pick(rng, ('Yes', 'No'))}.",
            f"** {noun} **",
            f"<{noun}>; {_pick(rng, words.NOUNS)}",
        ),
    )


def _code(rng: np.random.Generator) -> str:
    """Groups of letters and digits joined by any mark: every mark gets seen, often enough."""
    groups = [
        _digits(rng, _number(rng, 1, 4)) if rng.random() < 0.5 else _letters(rng, 2)
        for _ in range(_number(rng, 2, 3))
    ]
    text = groups[0]
    for group in groups[1:]:
        text += _pick(rng, MARKS) + group
    return text + (_pick(rng, MARKS) if rng.random() < 0.3 else "")


_KINDS: tuple[Callable[[np.random.Generator], str], ...] = (
    *(_date,) * 3,
    *(_amount,) * 4,
    *(_field,) * 4,
    *(_item,) * 4,
    *(_person,) * 3,
    *(_phrase,) * 2,
    *(_reference,) * 2,
    _time,
    _short_number,
    _phone,
    _code,
)
"""A kind of text is drawn as often as it is listed."""
