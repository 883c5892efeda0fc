"""Reads what files of different formats, which are run as they are, have in common."""

import hashlib

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices, check_fit
from fer_core.model_io.importing.foreign import Files
from fer_core.models.foreign import ImageInput
from fer_core.storage import read_bytes

MAX_BYTES = 2**30
BYTES = "0..255"  # the scaling of models that take whole numbers


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
