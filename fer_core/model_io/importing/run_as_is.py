"""Reads what files of different formats, which are run as they are, have in common."""

import hashlib
from dataclasses import replace

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices, check_fit
from fer_core.model_io.importing.foreign import Files
from fer_core.models.foreign import ImageInput, Preparation
from fer_core.storage import read_bytes

MAX_BYTES = 2**30
BYTES = "0..255"  # the scaling of models that take whole numbers

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB, in [0, 1]
_MEAN_PIXEL = (123.68, 116.779, 103.939)  # Simonyan and Zisserman's, RGB

# For RGB; a key for each of SCALINGS.
_PREPARATIONS = {
    "0..1": Preparation(scale=(1 / 255,)),
    "-1..1": Preparation(scale=(2 / 255,), offset=(-1.0,)),
    "0..255": Preparation(),
    "x/255-0.5": Preparation(scale=(1 / 255,), offset=(-0.5,)),
    "standardized": Preparation(scale=(1 / 255,), standardized=True),
    "inverted": Preparation(scale=(-1 / 255,), offset=(1.0,)),
    "imagenet-mean": Preparation(offset=(-_MEAN_PIXEL[0], -_MEAN_PIXEL[1], -_MEAN_PIXEL[2])),
    "imagenet-standardized": Preparation(
        scale=tuple(1 / (255 * deviation) for deviation in _DEVIATION),
        offset=tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)),
    ),
}


def preparation_of(choices: ImportChoices) -> Preparation:
    """Returns what becomes of RGB or gray pixels in [0, 255] before the model takes them."""
    found = _PREPARATIONS[choices.scaling]
    if choices.color != "BGR":
        return found
    return replace(found, bgr=True, scale=found.scale[::-1], offset=found.offset[::-1])


def read_file(files: Files) -> tuple[bytes, str]:
    """Returns the content of the model's file, and its SHA-256.

    Raises:
        FerError: there is a second file, or it cannot be read.
    """
    if files.weights is not None:
        raise FerError(
            f"{files.model.name} has its weights in itself. Import it without a second file."
        )
    data = read_bytes(files.model, max_bytes=MAX_BYTES)
    return data, hashlib.sha256(data).hexdigest()


def check_choices(choices: ImportChoices, classes: int, image: ImageInput) -> None:
    """Checks that what a person chose fits the model.

    Raises:
        FerError: it does not.
    """
    check_fit(choices, classes, image.channels)
    if image.takes_bytes and choices.scaling != BYTES:
        raise FerError(
            f"The model takes whole numbers from 0 to 255, so `scaling` must be {BYTES}. "
            f"Received: {choices.scaling}"
        )


def input_facts(image: ImageInput) -> tuple[str, ...]:
    """Returns sentences about the input."""
    order = "channels first" if image.channels_first else "channels last"
    color = "gray" if image.channels == 1 else "color"
    found = [
        f"It takes {color} images of {image.height}×{image.width} pixels as {image.dtype}, {order}."
    ]
    if image.one_by_one:
        found.append("It takes one face at a time, so many faces take longer.")
    return tuple(found)


def output_fact(classes: int, *, are_scores: bool) -> str:
    """Returns a sentence about the output."""
    if are_scores:
        return f"It gives scores for {classes} classes; a softmax will make them probabilities."
    return f"It gives probabilities for {classes} classes."
