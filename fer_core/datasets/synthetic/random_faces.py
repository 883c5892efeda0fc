"""Draws faces with a random style and expression strength."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from fer_core.datasets.synthetic.face_drawing import SIZE, Color, FaceStyle, Features, draw_face

_EXPRESSIONS = {
    "angry": Features(-0.1, 0.0, 0.24, 0.0, -0.1, -0.26, 0.085),
    "disgust": Features(-0.13, 0.03, 0.29, 0.1, -0.06, -0.12, 0.06, wrinkle=1.0),
    "fear": Features(-0.09, 0.09, 0.29, 0.0, 0.1, 0.2, 0.175),
    "happy": Features(0.24, 0.11, 0.42, 0.0, 0.04, 0.02, 0.09),
    "sad": Features(-0.18, 0.0, 0.26, 0.0, 0.02, 0.24, 0.085),
    "surprise": Features(0.0, 0.2, 0.19, 0.0, 0.15, 0.02, 0.185),
    "neutral": Features(),
}
_JITTER = {
    "smile": 0.035,
    "mouth_width": 0.03,
    "brow_lift": 0.025,
    "brow_slant": 0.04,
    "eye_open": 0.015,
}
_SKINS: tuple[Color, ...] = (
    *((244, 212, 186), (234, 188, 150), (220, 168, 124)),
    *((196, 136, 94), (150, 100, 68), (112, 76, 54)),
)
_HAIRS: tuple[Color, ...] = (
    *((38, 30, 28), (74, 50, 36), (120, 78, 46), (196, 150, 82)),
    *((160, 70, 40), (130, 128, 126)),
)
_BACKGROUNDS: tuple[Color, ...] = (
    *((206, 221, 230), (228, 217, 201), (214, 226, 206)),
    *((228, 207, 210), (211, 208, 227), (182, 196, 206)),
)
_IRISES: tuple[Color, ...] = ((86, 58, 38), (70, 110, 150), (80, 120, 80), (60, 46, 40))


# What stays the same in all images of a person; the others are of pose, light and camera.
_IDENTITY = ("head_width", "line", "hair_style", "glasses", "skin", "hair", "iris")


@dataclass(frozen=True)
class Character:
    """Defines a person: what all of their faces have in common."""

    rest: Features  # of the face without an expression
    style: FaceStyle  # of which `_IDENTITY` counts
    strength: float  # of all expressions, relative to other people's


def random_character(rng: np.random.Generator) -> Character:
    """Draws a person."""
    rest = _jittered(Features(), rng)
    return Character(rest, _random_style(rng), _between(rng, 0.7, 1.1))


def random_face(
    expression: str, rng: np.random.Generator, character: Character | None = None
) -> np.ndarray:
    """Draws a face with an expression of random strength: uint8 RGB of shape (96, 96, 3).

    Args:
        character: whose face it is; by default, that of somebody never seen again.
    """
    base = _jittered(Features(), rng, amount=0.6)
    strength = _between(rng, 0.7, 1.25)
    if character is not None:
        base, strength = character.rest, character.strength * strength
    features = _jittered(base.toward(_EXPRESSIONS[expression], strength), rng)
    style = _random_style(rng)
    if character is not None:
        own = {name: getattr(character.style, name) for name in _IDENTITY}
        style = dataclasses.replace(style, **own)
    return draw_face(features, style, 2 * rng.random((SIZE, SIZE)) - 1)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    # Uses only `random`, whose stream is the same in every version of NumPy.
    return low + (high - low) * rng.random()


def _jittered(features: Features, rng: np.random.Generator, amount: float = 1.0) -> Features:
    """Returns randomly varied features."""
    varied = {
        name: getattr(features, name) + amount * _between(rng, -most, most)
        for name, most in _JITTER.items()
    }
    return dataclasses.replace(features, **varied)


def _random_style(rng: np.random.Generator) -> FaceStyle:
    def pick(colors: tuple[Color, ...]) -> Color:
        red, green, blue = colors[int(rng.random() * len(colors))]
        factor = _between(rng, 0.9, 1.08)
        return min(255, red * factor), min(255, green * factor), min(255, blue * factor)

    return FaceStyle(
        yaw=_between(rng, -0.3, 0.3),
        pitch=_between(rng, -0.15, 0.15),
        roll=_between(rng, -0.14, 0.14),
        scale=_between(rng, 0.42, 0.46),
        center=(_between(rng, 0.48, 0.52), _between(rng, 0.5, 0.53)),
        head_width=_between(rng, 0.77, 0.87),
        gaze=(_between(rng, -0.8, 0.8), _between(rng, -0.6, 0.6)),
        line=_between(rng, 0.055, 0.075),
        hair_style=int(rng.random() * 4),
        glasses=rng.random() < 0.1,
        skin=pick(_SKINS),
        hair=pick(_HAIRS),
        iris=pick(_IRISES),
        background=pick(_BACKGROUNDS),
        light=(_between(rng, -0.15, 0.15), _between(rng, -0.1, 0.1)),
        noise=_between(rng, 2, 9),
    )
