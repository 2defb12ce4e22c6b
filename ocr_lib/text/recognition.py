"""Text read on an image: the one type from decoding to predictions, gate, registry and client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recognition:
    """Text read on one image.

    Attributes:
        text: in reading order; empty where nothing was read.
        score: mean probability of the kept time steps, 0..1; 0.0 where there is none.
        char_scores: the probability of each kept time step, from the left end of the line; empty
            where they were not asked for or not stored.
        error: why the image could not be read, or None.
    """

    text: str
    score: float
    char_scores: tuple[float, ...] = ()
    error: str | None = None

    @classmethod
    def failed(cls, cause: str) -> "Recognition":
        """Returns the result for an image that could not be read."""
        return cls("", 0.0, (), cause)
