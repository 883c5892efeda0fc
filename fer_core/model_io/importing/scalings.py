"""Defines what each scaling makes of pixels, for models that are rebuilt or run as they are."""

from dataclasses import replace

from fer_core.model_io.importing.choices import ImportChoices
from fer_core.models.foreign import Preparation

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB, in [0, 1]
_MEAN_PIXEL = (123.68, 116.779, 103.939)  # Simonyan and Zisserman's, RGB

# For RGB; a key for each of SCALINGS.
PREPARATIONS = {
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
    found = PREPARATIONS[choices.scaling]
    if choices.color != "BGR":
        return found
    return replace(found, bgr=True, scale=found.scale[::-1], offset=found.offset[::-1])
