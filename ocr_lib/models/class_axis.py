"""Which parameters of a head have one position a class."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassAxis:
    """An axis of a parameter that has one position a class.

    Attributes:
        parameter: structured name.
        axis: which axis.
        before: positions before the characters: special classes, or inputs of another kind.
        after: positions after them.
    """

    parameter: str
    axis: int
    before: int
    after: int
