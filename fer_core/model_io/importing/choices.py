"""Defines what a model file does not say, and the person who imports it must."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from fer_core.errors import FerError
from fer_core.vision import MARGIN

# What the model makes of pixels in [0, 255], by the name that a person chooses.
SCALINGS = {
    "0..1": "divided by 255",
    "-1..1": "divided by 127.5, minus 1",
    "0..255": "as they are",
    "x/255-0.5": "divided by 255, minus 0.5",
    "standardized": "each image with mean 0 and standard deviation 1",
    "inverted": "1 minus pixels divided by 255",
    "imagenet-mean": "minus the mean color of ImageNet, as VGG16, VGG19 and ResNet50 take them",
    "imagenet-standardized": "with the mean and standard deviation of ImageNet's colors",
}
COLORS = ("gray", "RGB", "BGR")
MAX_CLASSES = 100
MAX_MARGIN = 2.0

ClassName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


@dataclass(frozen=True)
class ImportChoices:
    """Holds what a person says about a foreign model.

    Raises:
        FerError: a choice is unknown, or a class name is empty or repeated.
    """

    class_names: tuple[ClassName, ...]  # in the order of the model's output
    scaling: str  # a key of SCALINGS
    color: str  # one of COLORS; "gray" for three channels: three times the same
    crop_margin: Annotated[float, Meta(ge=0, le=MAX_MARGIN)] = MARGIN  # see `vision.crop_face`

    def __post_init__(self) -> None:
        for what, value, known in (
            ("scaling", self.scaling, SCALINGS),
            ("color", self.color, COLORS),
        ):
            if value not in known:
                raise FerError(f"`{what}` must be one of {', '.join(known)}. Received: {value!r}")
        names = self.class_names
        if not 2 <= len(names) <= MAX_CLASSES or len(set(names)) < len(names) or "" in names:
            raise FerError(
                f"`class_names` must be 2 to {MAX_CLASSES} different names. "
                f"Received: {', '.join(names)[:200] or 'none'}"
            )
        if not 0 <= self.crop_margin <= MAX_MARGIN:
            raise FerError(
                f"`crop_margin` must be from 0 to {MAX_MARGIN:g}. Received: {self.crop_margin:g}"
            )


def check_fit(choices: ImportChoices, classes: int, channels: int) -> None:
    """Raises a FerError unless the choices fit a model of so many classes and channels."""
    if len(choices.class_names) != classes:
        raise FerError(
            f"The model has {classes} outputs, so `class_names` must have as many, in their order. "
            f"Received: {len(choices.class_names)}: {', '.join(choices.class_names)}"
        )
    if channels == 1 and choices.color != "gray":
        raise FerError(
            f"The model takes images of one channel, so `color` must be gray. "
            f"Received: {choices.color}"
        )
    if channels == 1 and choices.scaling.startswith("imagenet"):
        raise FerError(
            f"`scaling` must not need colors, since the model takes images of one channel. "
            f"Received: {choices.scaling}"
        )
