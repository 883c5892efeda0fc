"""Changes that copies of photos have gone through, and characters with several expressions."""

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np

from fer_core.datasets.synthetic import random_faces
from fer_core.datasets.synthetic.face_drawing import SIZE, FaceStyle, draw_face
from fer_core.expressions import EXPRESSIONS

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
_MOUTH = ("smile", "mouth_open", "mouth_width", "lip_lift")
_BORDERS = (cv2.BORDER_REFLECT, cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE)


def moved(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    angle: float = 0.0,
    zoom: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Turned by degrees, zoomed, shifted by sides of the image; borders filled in at random."""
    side = image.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), angle, zoom)
    matrix[:, 2] += np.multiply(shift, side)
    border = _BORDERS[rng.integers(3)]
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border)


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Through a JPEG file."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blurred with a sigma in 1/48 of the side."""
    return cv2.GaussianBlur(image, (0, 0), sigma * image.shape[0] / 48)


def _scaled(image: np.ndarray, gain: float, offset: float | np.ndarray) -> np.ndarray:
    return np.clip(image * np.float64(gain) + offset, 0, 255).astype(np.uint8)


def _signs(rng: np.random.Generator) -> np.ndarray:
    return rng.choice([-1, 1], 2)


CHANGES: dict[str, Change] = {
    "mirrored": lambda image, rng: image[:, ::-1].copy(),
    "turned by 8 degrees": lambda image, rng: moved(image, rng, angle=8 * _signs(rng)[0]),
    "turned by 15 degrees": lambda image, rng: moved(image, rng, angle=15 * _signs(rng)[0]),
    "zoomed in by 15 %": lambda image, rng: moved(image, rng, zoom=1.15),
    "zoomed out by 15 %": lambda image, rng: moved(image, rng, zoom=1 / 1.15),
    "shifted by 8 % both ways": lambda image, rng: moved(image, rng, shift=0.08 * _signs(rng)),
    "shifted by 10 % across": lambda image, rng: moved(
        image, rng, shift=0.1 * _signs(rng) * [1, 0]
    ),
    "brighter by 60": lambda image, rng: _scaled(image, 1, 60),
    "contrast times 1.4": lambda image, rng: _scaled(image, 1.4, 0),
    "half as bright": lambda image, rng: _scaled(image, 0.5, 0),
    "equalized": lambda image, rng: cv2.equalizeHist(image),
    "JPEG of quality 50": lambda image, rng: compressed(image, 50),
    "JPEG of quality 20": lambda image, rng: compressed(image, 20),
    "blurred, sigma 1": lambda image, rng: _blurred(image, 1.0),
    "blurred, sigma 1.5": lambda image, rng: _blurred(image, 1.5),
    "noise, sigma 10": lambda image, rng: _scaled(image, 1, rng.normal(0, 10, image.shape)),
}


def character(seed: int, pose: float = 1.0) -> list[np.ndarray]:
    """One drawn person with each expression, uint8 gray, in nearly the same pose."""
    rng = np.random.default_rng([17, seed])
    style = random_faces._random_style(rng)
    return [_in_another_frame(expression, style, rng, pose) for expression in EXPRESSIONS]


def _in_another_frame(
    expression: str, style: FaceStyle, rng: np.random.Generator, pose: float
) -> np.ndarray:
    def near(value: float, most: float) -> float:
        return value + pose * random_faces._between(rng, -most, most)

    x, y = style.center
    style = dataclasses.replace(
        style,
        yaw=near(style.yaw, 0.05),
        pitch=near(style.pitch, 0.05),
        roll=near(style.roll, 0.04),
        center=(near(x, 0.015), near(y, 0.015)),
    )
    base = random_faces._jittered(random_faces.Features(), rng, amount=0.6)
    strength = random_faces._between(rng, 0.7, 1.25)
    features = base.toward(random_faces._EXPRESSIONS[expression], strength)
    face = draw_face(features, style, 2 * rng.random((SIZE, SIZE)) - 1)
    return cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)


def other_mouths(seed: int) -> list[np.ndarray]:
    """One drawn face with the mouth of each expression and nothing else changed, uint8 gray.

    Without the mouths of anger and disgust, which hardly differ from that of sadness.
    """
    rng = np.random.default_rng([31, seed])
    style = random_faces._random_style(rng)
    base = random_faces._jittered(random_faces.Features(), rng, amount=0.6)
    whole = base.toward(random_faces._EXPRESSIONS[EXPRESSIONS[seed % 7]], 1.0)
    faces = []
    for expression in ("fear", "happy", "sad", "surprise", "neutral"):
        goal = base.toward(random_faces._EXPRESSIONS[expression], 1.0)
        mouth = {name: getattr(goal, name) for name in _MOUTH}
        noise = 2 * rng.random((SIZE, SIZE)) - 1
        face = draw_face(dataclasses.replace(whole, **mouth), style, noise)
        faces.append(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))
    return faces


def drawn_faces(count: int) -> np.ndarray:
    """Faces of as many drawn persons, uint8 gray."""
    faces = [
        random_faces.random_face(EXPRESSIONS[number % 7], np.random.default_rng([23, number]))
        for number in range(count)
    ]
    return np.stack([cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in faces])
