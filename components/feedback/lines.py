"""Lines that a served model was unsure of, kept in the object store for the next training.

`feedback/<model>/<YYYY-MM-DD>/<id>.image` is the image as it was sent, `<id>.json` beside it what
was read on it; `<id>` begins the image's SHA-256, so that the same image is kept once a day:

| key | what |
| --- | --- |
| text, score, version | what was read, how sure, and by which version of the model |
| reason | why it was kept |
| time | when, UTC, ISO 8601 |
| sha256, bytes | of the image |
| truth | what a person says it says; null until somebody does |
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from components.deploy.client import Reading
from components.deploy.production import check_model_name
from components.deploy.shadow import Recorded
from components.shared.s3 import DigestError, MissingObjectError
from components.shared.store import Store

MAX_IMAGE_BYTES = 8 << 20
ID_DIGITS = 24


@dataclass(frozen=True)
class KeptLine:
    """What was kept of one line, without its image.

    Attributes:
        day: `YYYY-MM-DD`, of the folder it is in.
        name: its id.
        text: what was read.
        score: how sure the model was.
        version: which version of the model it was.
        reason: why the line was kept.
        time: when, UTC, ISO 8601.
        sha256: of the image.
        bytes: of the image.
        truth: what it says; None until somebody has said so.
    """

    day: str
    name: str
    text: str
    score: float
    version: int
    reason: str
    time: str
    sha256: str
    bytes: int
    truth: str | None = None


class KeptLines:
    """The kept lines of one model.

    Args:
        store: where they are.
        model: the model's name.
    """

    def __init__(self, store: Store, model: str) -> None:
        self._store = store
        self._prefix = f"feedback/{check_model_name(model)}/"

    def keep(self, image: bytes, reading: Reading, reason: str) -> KeptLine:
        """Keeps one line; its image goes first, so that no entry lacks one."""
        now, digest = datetime.now(UTC), hashlib.sha256(image).hexdigest()
        line = KeptLine(
            day=now.date().isoformat(),
            name=digest[:ID_DIGITS],
            text=reading.text,
            score=round(reading.score, 4),
            version=reading.version,
            reason=reason,
            time=now.isoformat(timespec="seconds"),
            sha256=digest,
            bytes=len(image),
        )
        self._store.client.put(self._store.bucket, self._key(line, "image"), image)
        self._write(line)
        return line

    def correct(self, line: KeptLine, truth: str) -> KeptLine:
        """Stores what a line says."""
        corrected = KeptLine(**asdict(line) | {"truth": truth})
        self._write(corrected)
        return corrected

    def lines(self, since: str = "") -> Iterator[KeptLine]:
        """Yields what was kept from the day `since` on, the oldest day first.

        Raises:
            DigestError: an entry is malformed.
        """
        for item in self._store.list(self._prefix):
            day, _, name = item.key.removeprefix(self._prefix).partition("/")
            if day >= since and name.endswith(".json"):
                yield self._parsed(day, name.removesuffix(".json"), self._store.get_json(item.key))

    def sample(self, share: float, most: int) -> list[Recorded]:
        """Returns lines to compare versions on: the newest of a share that is always the same.

        Args:
            share: of the lines, 0 to 1; which ones depends on their images alone.
            most: so many at most.
        """
        chosen = [line for line in self.lines() if int(line.sha256[-8:], 16) < share * 2**32]
        found: list[Recorded] = []
        for line in chosen[-most:]:
            with suppress(MissingObjectError, DigestError):  # pruned meanwhile, or damaged
                found.append(Recorded(line.name, self.image(line), line.truth))
        return found

    def image(self, line: KeptLine) -> bytes:
        """Returns a line's image.

        Raises:
            DigestError: it is not the one that was kept.
        """
        key = self._key(line, "image")
        content, _ = self._store.client.get(self._store.bucket, key, MAX_IMAGE_BYTES)
        if hashlib.sha256(content).hexdigest() != line.sha256:
            raise DigestError(f"{self._store.uri(key)}: not the image that was kept.")
        return content

    def count(self, day: str) -> tuple[int, int]:
        """Returns how many lines a day has, and the bytes of their images."""
        images = [
            item.size
            for item in self._store.list(f"{self._prefix}{day}/")
            if item.key.endswith(".image")
        ]
        return len(images), sum(images)

    def prune(self, days: int) -> int:
        """Deletes what is older than so many days; returns how many lines that were."""
        oldest = (datetime.now(UTC).date() - timedelta(days=days)).isoformat()
        removed = 0
        for item in self._store.list(self._prefix):
            if item.key.removeprefix(self._prefix).partition("/")[0] < oldest:
                self._store.remove(item.key)
                removed += item.key.endswith(".json")
        return removed

    def _write(self, line: KeptLine) -> None:
        values = {k: v for k, v in asdict(line).items() if k not in ("day", "name")}
        self._store.put_json(self._key(line, "json"), values)

    def _key(self, line: KeptLine, kind: str) -> str:
        return f"{self._prefix}{line.day}/{line.name}.{kind}"

    def _parsed(self, day: str, name: str, value: Any) -> KeptLine:
        try:
            return KeptLine(day, name, **value)
        except TypeError as error:
            where = self._store.uri(f"{self._prefix}{day}/{name}.json")
            raise DigestError(f"{where}: malformed ({error}).") from error
