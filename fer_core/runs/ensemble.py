"""Defines the record of an ensemble: its members, their weights, and what each of them adds."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from fer_core.errors import FerError
from fer_core.storage import Count, Fraction, NonNegative, check_time
from fer_core.tasks import kinds
from fer_core.vision import MARGIN

_Temperature = Annotated[float, Meta(ge=0.001, le=1000)]
_Positive = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True)
class EnsembleMember:
    """Describes a member and what it adds, measured on the ensemble's validation images.

    The ensemble has a copy of its layers, so that the run itself may be deleted.
    """

    run: str  # its id
    name: str
    model_sha256: str  # of its model.keras
    dataset: str  # that it was trained on
    fingerprint: str  # of that dataset; "" if not recorded
    image_size: tuple[_Positive, _Positive]  # (height, width) that its layers take
    channels: Literal[1, 3]
    temperature: _Temperature  # that its layers were calibrated with
    weight: Fraction
    correct: Count  # images that it alone gets right
    correct_without: Count  # that the other members get right without it
    only_with: Count  # that are right with it, and wrong without
    only_without: Count
    p_value: Fraction  # exact McNemar test of the ensemble with it and without


@dataclass(frozen=True)
class EnsembleRecord:
    """Holds how an ensemble was made; the content of `ensemble.json`."""

    members: tuple[EnsembleMember, ...]
    weighting: Literal["equal", "fitted"]
    images: _Positive  # of the validation split
    correct: Count  # of them, by the ensemble
    milliseconds: NonNegative  # for one face, on the machine that made it
    remark: str  # a sentence if members did not learn from the same images and splits; else ""
    made: str  # time, ISO 8601
    crop_margin: Annotated[float, Meta(ge=0, le=10)] = MARGIN  # of all members

    def __post_init__(self) -> None:
        check_time(self.made)
        if not kinds.MIN_MEMBERS <= len(self.members) <= kinds.MAX_MEMBERS:
            raise FerError(f"There must be {kinds.MIN_MEMBERS} to {kinds.MAX_MEMBERS} members.")
        counts = [
            count
            for each in self.members
            for count in (each.correct, each.correct_without, each.only_with, each.only_without)
        ]
        if max(self.correct, *counts) > self.images:
            raise FerError("No more images may be right than there are.")
