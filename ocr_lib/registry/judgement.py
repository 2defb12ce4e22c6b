"""Which model a candidate was judged against: it may take over from that one only.

A gate's verdict holds for two models. When another one serves by the time of the deployment, a
candidate that passed may be worse than that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ocr_lib.registry.champion import Champion
from ocr_lib.registry.production import Production
from ocr_lib.storage.s3 import ConflictError

# Keys of a bundle's lineage.
VERSION, DIGEST, PASSED = "champion_version", "champion_digest", "gate_passed"
NO_CHAMPION = "none"  # digest where nothing served: a bundle without the key was never judged
SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Judgement:
    """The champion of an evaluation.

    Attributes:
        version: number of its version; 0 where nothing served.
        digest: of its bundle; `NO_CHAMPION` where nothing served.
        passed: whether the gate let the candidate pass.
    """

    version: int
    digest: str
    passed: bool = True

    @classmethod
    def against(cls, champion: Champion | Production | None, *, passed: bool = True) -> Self:
        """Returns the judgement against a champion; None where nothing was in production."""
        version, digest = (champion.version, champion.digest) if champion else (0, NO_CHAMPION)
        return cls(version, digest, passed)

    @classmethod
    def from_dict(cls, values: object) -> Self | None:
        """Reads what `to_dict` returned; None where nothing was judged, or by an older release."""
        if not isinstance(values, Mapping) or not isinstance(values.get(DIGEST), str):
            return None
        version = str(values.get(VERSION, ""))
        # Bundles of before this was recorded were exported only where the gate let them pass.
        passed = values.get(PASSED, "true") == "true"
        return cls(int(version) if version.isdecimal() else 0, values[DIGEST], passed)

    def to_dict(self) -> dict[str, str]:
        """Returns what an evaluation hands on and a bundle keeps."""
        passed = "true" if self.passed else "false"
        return {VERSION: str(self.version), DIGEST: self.digest, PASSED: passed}

    def __str__(self) -> str:
        if self.digest == NO_CHAMPION:
            return "judged when nothing served"
        return f"judged against {_named(self.version, self.digest)}"


def check_champion(model: str, lineage: object, digest: str, production: Production | None) -> None:
    """Checks that a bundle was judged against what serves; needs the lease.

    A bundle that serves already, and the first one of a model, need no judgement.

    Args:
        model: the model's name.
        lineage: of the bundle.
        digest: of the bundle.
        production: what serves now.

    Raises:
        ConflictError: another version serves, or the bundle was never judged.
    """
    judgement = Judgement.from_dict(lineage)
    if production is None or digest == production.digest:
        return
    if judgement is not None and judgement.digest == production.digest:
        return
    serving = _named(production.version, production.digest)
    judged = str(judgement) if judgement else "not judged against any version"
    raise ConflictError(
        f"{model}: the bundle was {judged}, but {serving} serves now. Evaluate it again: run the "
        "pipeline or `ocr pipeline rejudge` again, or deploy it all the same with "
        "`ocr deploy --force --reason TEXT`."
    )


def _named(version: int, digest: str) -> str:
    return f"version {version} ({digest[:SHOWN_DIGITS]})"
