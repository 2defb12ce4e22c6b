"""Lines that a served model was unsure of, kept in the object store for the next training.

`feedback/<model>/<YYYY-MM-DD>/<id>.image` is the image as it was sent, `<id>.json` beside it what
was read on it; `<id>` begins the image's SHA-256, so that the same image is kept once a day:

| key | what |
| --- | --- |
| text, score, version | what was read, how sure, and by which version of the model |
| reason | why it was kept |
| time | when, UTC, ISO 8601 |
| sha256, bytes | of the image |
| truth | what a person says it says; null until then |
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from ocr_lib.registry.production import check_model_name
from ocr_lib.serving.client import ServedRecognition
from ocr_lib.serving.limits import MAX_IMAGE_BYTES
from ocr_lib.serving.replay_evaluation import RecordedSample
from ocr_lib.storage.s3 import DigestError, MissingObjectError
from ocr_lib.storage.store import Store

ID_DIGITS = 24
MAX_DAYS = 10_000
MAX_LISTED = 20_000  # objects of one day that a sample looks at; a line has two
MAX_SAMPLE_BYTES = 256 << 20  # of the images of a sample, which is kept in memory
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
IMAGE = re.compile(rf"([0-9a-f]{{{ID_DIGITS}}})\.image")


@dataclass(frozen=True)
class FeedbackSample:
    """What was kept of one line, without its image.

    Attributes:
        day: `YYYY-MM-DD`, of the folder it is in.
        name: its id.
        recognition: of the served model, with its version.
        reason: why the line was kept.
        time: when, UTC, ISO 8601.
        sha256: of the image.
        bytes: of the image.
        truth: what it says; None until a person has said so.
    """

    day: str
    name: str
    recognition: ServedRecognition
    reason: str
    time: str
    sha256: str
    bytes: int
    truth: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the entry of the table above; its key tells day and id."""
        read = self.recognition
        entry = {"text": read.text, "score": read.score, "version": read.version}
        others = {key: getattr(self, key) for key in _OTHERS}
        return {**entry, **others}

    @classmethod
    def from_dict(cls, day: str, name: str, entry: dict[str, Any]) -> "FeedbackSample":
        """Reads what `to_dict` returned.

        Raises:
            TypeError, KeyError: it is not such an entry.
        """
        read = ServedRecognition(entry["text"], entry["score"], version=entry["version"])
        return cls(day, name, read, **{key: entry[key] for key in _OTHERS if key in entry})


_OTHERS = ("reason", "time", "sha256", "bytes", "truth")


class FeedbackStore:
    """The kept lines of one model.

    Args:
        store: where they are.
        model: the model's name.
    """

    def __init__(self, store: Store, model: str) -> None:
        self._store = store
        self._prefix = f"feedback/{check_model_name(model)}/"

    def keep(self, image: bytes, recognition: ServedRecognition, reason: str) -> FeedbackSample:
        """Keeps one line; its image goes first, so that no entry lacks one."""
        now, digest = datetime.now(UTC), hashlib.sha256(image).hexdigest()
        line = FeedbackSample(
            day=now.date().isoformat(),
            name=digest[:ID_DIGITS],
            recognition=replace(recognition, score=round(recognition.score, 4), char_scores=()),
            reason=reason,
            time=now.isoformat(timespec="seconds"),
            sha256=digest,
            bytes=len(image),
        )
        self._store.client.put(self._store.bucket, self._key(line, "image"), image)
        self._write(line)
        return line

    def correct(self, line: FeedbackSample, truth: str) -> FeedbackSample:
        """Stores what a line says."""
        corrected = replace(line, truth=truth)
        self._write(corrected)
        return corrected

    def lines(
        self, since: str = "", names: Collection[str] | None = None
    ) -> Iterator[FeedbackSample]:
        """Yields what was kept, the oldest day first.

        Args:
            since: from this day on, `YYYY-MM-DD`.
            names: ids of the lines; others are not read. None takes all.

        Raises:
            DigestError: an entry is malformed.
        """
        for day in self._days():
            if day < since:
                continue
            for item in self._store.list(f"{self._prefix}{day}/"):
                name, _, suffix = item.key.rpartition("/")[2].rpartition(".")
                if suffix == "json" and (names is None or name in names):
                    yield self._read(day, name)

    def sample(self, share: float, most: int) -> list[RecordedSample]:
        """Returns lines to compare versions on: the newest of a share that is always the same.

        Reads those lines and no others, the newest day first.

        Args:
            share: of the lines, 0 to 1; which ones depends on their images alone.
            most: largest number, with `MAX_SAMPLE_BYTES` of images.
        """
        samples: list[RecordedSample] = []
        for day, name in islice(self._newest(share), most):
            with suppress(MissingObjectError, DigestError):  # pruned meanwhile, or damaged
                line = self._read(day, name)
                samples.append(RecordedSample(line.name, self.image(line), line.truth))
        return samples

    def image(self, line: FeedbackSample) -> bytes:
        """Returns a line's image.

        Raises:
            DigestError: it is not the stored one.
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
        """Deletes what is older than `days`; returns the number of deleted samples."""
        oldest = (datetime.now(UTC).date() - timedelta(days=days)).isoformat()
        removed = 0
        for day in self._days():
            if day >= oldest:
                break
            for item in self._store.list(f"{self._prefix}{day}/"):
                self._store.remove(item.key)
                removed += item.key.endswith(".json")
        return removed

    def _days(self) -> list[str]:
        """Returns the days on which something was kept, the oldest first."""
        names = self._store.folders(self._prefix, MAX_DAYS)
        return sorted(name for name in names if DAY.fullmatch(name))

    def _newest(self, share: float) -> Iterator[tuple[str, str]]:
        """Yields day and id of the lines of a share, the newest first, by their listing alone."""
        room = MAX_SAMPLE_BYTES
        for day in reversed(self._days()):
            items = list(islice(self._store.iterate(f"{self._prefix}{day}/"), MAX_LISTED))
            for item in sorted(items, key=lambda item: item.modified, reverse=True):
                match = IMAGE.fullmatch(item.key.rpartition("/")[2])
                if not match or int(match[1][:8], 16) >= share * 2**32:
                    continue
                room -= item.size
                if room < 0:
                    return
                yield day, match[1]

    def _read(self, day: str, name: str) -> FeedbackSample:
        key = f"{self._prefix}{day}/{name}.json"
        try:
            return FeedbackSample.from_dict(day, name, self._store.get_json(key))
        except (TypeError, KeyError) as error:
            raise DigestError(f"{self._store.uri(key)}: malformed ({error}).") from error

    def _write(self, line: FeedbackSample) -> None:
        self._store.put_json(self._key(line, "json"), line.to_dict())

    def _key(self, line: FeedbackSample, kind: str) -> str:
        return f"{self._prefix}{line.day}/{line.name}.{kind}"
