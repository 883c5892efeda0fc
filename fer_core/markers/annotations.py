"""Keeps with a video what a person has marked: events, excluded ranges, a baseline, people."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from fer_core import access
from fer_core.errors import FerError
from fer_core.markers.times import MAX_SECONDS, check_order
from fer_core.storage import Fraction, read_record, write_json
from fer_core.text import is_one_line, shortened

MAX_LABEL = 200  # characters of a label, a reason or a name
_MAX_MARKS = 1000  # of each kind in a video

Label = Annotated[str, Meta(max_length=MAX_LABEL)]
Time = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]  # seconds


@dataclass(frozen=True, order=True)
class Marker:
    """Holds an event at a time of a video."""

    seconds: Time
    label: Label

    def __post_init__(self) -> None:
        _check_time(self.seconds)
        _check_text(self.label, "label")
        if not self.label:
            raise FerError("A marker must have a label. Received: an empty one")


@dataclass(frozen=True, order=True)
class TimeRange:
    """Holds a part of a video, from `start` up to, but not including, `end`."""

    start: Time
    end: Time
    reason: Label = ""

    def __post_init__(self) -> None:
        _check_time(self.start)
        _check_time(self.end)
        check_order(self.start, self.end)
        _check_text(self.reason, "reason")


@dataclass(frozen=True)
class NeutralPhoto:
    """Holds a photo of a neutral face, whose probabilities are a baseline."""

    name: Label  # of the file
    probabilities: dict[str, Fraction]


@dataclass(frozen=True)
class Annotations:
    """Holds everything that is marked on a video, in order of time."""

    markers: Annotated[tuple[Marker, ...], Meta(max_length=_MAX_MARKS)] = ()
    excluded: Annotated[tuple[TimeRange, ...], Meta(max_length=_MAX_MARKS)] = ()
    baseline: TimeRange | None = None  # of which each person's mean is subtracted
    photos: dict[Label, NeutralPhoto] = field(default_factory=dict)  # by person; instead of a range
    # Names given by hand, by number of the face; None: to be ignored.
    people: dict[str, Label | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, marks in (("markers", self.markers), ("excluded ranges", self.excluded)):
            if len(marks) > _MAX_MARKS:
                raise FerError(
                    f"A video must have at most {_MAX_MARKS:,} {name}. Received: {len(marks):,}"
                )
        for name in filter(None, self.people.values()):
            _check_text(name, "name")
        if not all(map(str.isdecimal, self.people)):
            raise FerError("Faces must have numbers.")
        if self.baseline and self.photos:
            raise FerError("A baseline must be a range or photos, not both.")

    @property
    def assigned(self) -> dict[int, str | None]:
        """Returns the names of faces by their number; None for one to be ignored."""
        return {int(number): name for number, name in self.people.items()}

    @property
    def has_baseline(self) -> bool:
        """Tells whether a baseline is subtracted, of some person at least."""
        return self.baseline is not None or bool(self.photos)


def read_annotations(file: Path) -> Annotations:
    """Reads what is marked on a video; nothing, if there is no file.

    Raises:
        DamagedFileError: the file is damaged.
    """
    return read_record(file, Annotations) or Annotations()


def save_annotations(file: Path, annotations: Annotations) -> None:
    """Replaces what is marked on a video, atomically.

    Raises:
        AccessError: changes are switched off.
    """
    access.current().require_write()
    write_json(file, asdict(annotations))


def _check_time(seconds: float) -> None:
    if not 0 <= seconds <= MAX_SECONDS:
        raise FerError(
            f"A time must be from 0 to {MAX_SECONDS:,.0f} seconds. Received: {seconds:g}"
        )


def _check_text(text: str, kind: str) -> None:
    if text != text.strip() or not is_one_line(text) or len(text) > MAX_LABEL:
        raise FerError(
            f"A {kind} must be one line of at most {MAX_LABEL} characters, without spaces around "
            f"it. Received: {shortened(text)}"
        )
