"""Draws one schematic face."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

SIZE = 96  # pixels a side of the finished picture
_SCALE = 2  # drawn larger and averaged down: smooth edges
_BITS = 4  # of OpenCV's fixed-point coordinates
_ARC = np.linspace(-1, 1, 25)
_CIRCLE = np.linspace(0, 2 * math.pi, 40, endpoint=False)

Color = tuple[float, float, float]  # RGB in [0, 255]


@dataclass(frozen=True)
class Features:
    """How the face is moved; lengths in half heights of the head."""

    smile: float = 0.0  # lift of the mouth's corners; negative drops them
    mouth_open: float = 0.0  # half height of the open mouth
    mouth_width: float = 0.31  # half width
    lip_lift: float = 0.0  # of the upper lip, more on one side
    brow_lift: float = 0.0
    brow_slant: float = 0.0  # inner ends up; negative: down
    eye_open: float = 0.12  # half height
    wrinkle: float = 0.0  # of the nose, in [0, 1]

    def moved(self, target: "Features", share: float) -> "Features":
        """These features, a share of the way to others; 1 is all the way."""
        goal = vars(target)
        return Features(
            **{name: value + share * (goal[name] - value) for name, value in vars(self).items()}
        )


@dataclass(frozen=True)
class FaceStyle:
    """Whose face it is, how it is held and in what light."""

    yaw: float  # radians, as are pitch and roll
    pitch: float
    roll: float
    scale: float  # half height of the head in picture sizes
    center: tuple[float, float]  # x, y in picture sizes
    head_width: float  # half width in half heights of the head
    gaze: tuple[float, float]  # x, y in eye sizes
    line: float  # width of lines in half heights of the head
    hair_style: int  # 0 none, 1 short, 2 long, 3 curls
    glasses: bool
    skin: Color
    hair: Color
    iris: Color
    background: Color
    light: tuple[float, float]  # brighter to the right and below, in [-1, 1]
    noise: float  # half range in gray levels


def draw_face(features: Features, look: FaceStyle, noise: np.ndarray) -> np.ndarray:
    """The face as uint8 RGB of shape (SIZE, SIZE, 3).

    Args:
        noise: numbers in [-1, 1] of shape (SIZE, SIZE).
    """
    canvas = np.empty((SIZE * _SCALE, SIZE * _SCALE, 3), np.uint8)
    canvas[:] = look.background
    pen = _Pen(canvas, look)
    _draw_head(pen, look)
    for side in (-1, 1):
        _draw_eye(pen, features, look, side)
        _draw_brow(pen, features, look, side)
    _draw_nose(pen, features, look)
    _draw_mouth(pen, features, look)
    if look.glasses:
        _draw_glasses(pen, look)
    image = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float64)
    across = np.linspace(-1, 1, SIZE)
    light = 1 + look.light[0] * across[None, :] + look.light[1] * across[:, None]
    image = image * light[:, :, None] + look.noise * noise[:, :, None]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


class _Pen:
    """Draws on the canvas what is given in the head's own coordinates.

    The head is an ellipsoid around (0, 0) of half height 1; y points down. What is drawn on its
    surface turns with it.
    """

    def __init__(self, canvas: np.ndarray, look: FaceStyle) -> None:
        self._canvas = canvas
        self._look = look

    def shape(self, x: np.ndarray, y: np.ndarray, color: Color, flat: bool = False) -> None:
        """Fills a polygon; `flat` ones lie behind the face and do not turn with it."""
        cv2.fillPoly(self._canvas, [self._place(x, y, flat)], color, cv2.LINE_AA, _BITS)

    def line(self, x: np.ndarray, y: np.ndarray, color: Color, width: float) -> None:
        """Draws a line of a width in half heights of the head."""
        pixels = max(1, round(width * self._look.scale * len(self._canvas)))
        points = self._place(x, y, flat=False)
        cv2.polylines(self._canvas, [points], False, color, pixels, cv2.LINE_AA, _BITS)

    def _place(self, x: np.ndarray, y: np.ndarray, flat: bool) -> np.ndarray:
        look = self._look
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        if not flat:
            depth = np.sqrt(
                np.clip(1 - (x / (1.15 * look.head_width)) ** 2 - (y / 1.15) ** 2, 0, 1)
            )
            x = x * math.cos(look.yaw) + look.head_width * depth * math.sin(look.yaw)
            y = y * math.cos(look.pitch) + depth * math.sin(look.pitch)
        cos, sin = math.cos(look.roll), math.sin(look.roll)
        across = look.center[0] + look.scale * (x * cos - y * sin)
        down = look.center[1] + look.scale * (x * sin + y * cos)
        points = np.stack([across, down], axis=1) * len(self._canvas) * 2**_BITS
        return np.rint(points).astype(np.int32)


def _shade(color: Color, factor: float) -> Color:
    red, green, blue = (min(255.0, value * factor) for value in color)
    return red, green, blue


def _draw_head(pen: _Pen, look: FaceStyle) -> None:
    width = look.head_width
    cos, sin = np.cos(_CIRCLE), np.sin(_CIRCLE)
    if look.hair_style == 2:
        pen.shape(1.2 * width * cos, 0.25 + 1.3 * sin, _shade(look.hair, 0.8), flat=True)
    pen.shape(0.36 * width * cos, 1.25 + 0.7 * sin, _shade(look.skin, 0.8), flat=True)  # neck
    for side in (-1, 1):
        ear = side * width * 0.98 - 0.12 * math.sin(look.yaw)
        pen.shape(ear + 0.13 * cos, 0.05 + 0.2 * sin, _shade(look.skin, 0.88), flat=True)
    jaw = 1 - 0.13 * np.clip(sin, 0, 1) ** 2  # narrower towards the chin
    pen.shape(width * jaw * cos, 1.02 * sin, look.skin, flat=True)
    for side in (-1, 1):
        pen.shape(side * 0.47 + 0.15 * cos, 0.33 + 0.11 * sin, _blush(look.skin))
    if look.hair_style:
        _draw_hair(pen, look)


def _blush(skin: Color) -> Color:
    return min(255.0, skin[0] * 1.02), skin[1] * 0.93, skin[2] * 0.93


def _draw_hair(pen: _Pen, look: FaceStyle) -> None:
    angles = np.linspace(math.pi, 2 * math.pi, 40)
    curls = 0.05 * np.sin(11 * angles) if look.hair_style == 3 else 0.0
    outer_x = 1.09 * look.head_width * np.cos(angles)
    outer_y = -0.12 + (1.05 + curls) * np.sin(angles)
    inner_x = 0.99 * look.head_width * np.cos(angles[::-1]) - 0.1 * math.sin(look.yaw)
    inner_y = -0.15 + (0.46 + 0.09 * np.cos(2 * angles[::-1])) * np.sin(angles[::-1])
    x, y = np.concatenate([outer_x, inner_x]), np.concatenate([outer_y, inner_y])
    pen.shape(x, y + 0.12 * math.sin(look.pitch), look.hair, flat=True)


def _eye_center(look: FaceStyle, side: int) -> tuple[float, float]:
    return side * 0.47 * look.head_width / 0.8, -0.12


def _draw_eye(pen: _Pen, features: Features, look: FaceStyle, side: int) -> None:
    x, y = _eye_center(look, side)
    height = max(0.015, features.eye_open)
    lid = np.sqrt(np.clip(1 - _ARC**2, 0, 1))
    upper, lower = y - height * lid, y + 0.8 * height * lid
    across = x + 0.22 * _ARC
    pen.shape(np.r_[across, across[::-1]], np.r_[upper, lower[::-1]], (245, 245, 242))
    cos, sin = np.cos(_CIRCLE), np.sin(_CIRCLE)
    gaze_x, gaze_y = x + 0.07 * look.gaze[0], y + 0.03 * look.gaze[1]
    # Lids cover the iris where they close over it.
    for radius, color in ((0.11, look.iris), (0.055, (20.0, 18.0, 18.0))):
        inside = np.clip(gaze_y + radius * sin, y - height * 0.97, y + 0.78 * height)
        pen.shape(gaze_x + radius * cos, inside, color)
    pen.line(across, upper, (45, 35, 32), look.line)
    pen.line(across, lower, _shade(look.skin, 0.7), 0.6 * look.line)


def _draw_brow(pen: _Pen, features: Features, look: FaceStyle, side: int) -> None:
    x, y = _eye_center(look, side)
    inner = -side * _ARC  # 1 at the nose
    height = y - 0.27 - features.brow_lift - features.brow_slant * inner * 0.5
    color = _shade(look.hair if look.hair_style else look.skin, 0.6)
    pen.line(x + 0.25 * _ARC, height - 0.05 * (1 - _ARC**2), color, 2.2 * look.line)


def _draw_nose(pen: _Pen, features: Features, look: FaceStyle) -> None:
    dark = _shade(look.skin, 0.72)
    x = np.array([0.02, 0.11, 0.08, 0.0, -0.08])
    pen.line(x, np.array([0.02, 0.24, 0.31, 0.33, 0.31]), dark, 0.8 * look.line)
    if features.wrinkle > 0.15:
        for place in (-0.12, -0.03, 0.06):
            rise = 0.05 * features.wrinkle * (1 - _ARC**2)
            pen.line(0.13 * features.wrinkle * _ARC, place - rise, dark, 0.6 * look.line)
        for side in (-1, 1):
            fold = np.array([0.14, 0.24, 0.33])
            pen.line(side * fold, np.array([0.26, 0.33, 0.5]), dark, 0.6 * look.line)


def _draw_mouth(pen: _Pen, features: Features, look: FaceStyle) -> None:
    x = features.mouth_width * _ARC
    bulge = 1 - _ARC**2
    middle = 0.58 - features.smile * (_ARC**2 - 0.45)
    lift = features.lip_lift * bulge * (0.6 + 0.4 * _ARC)
    upper = middle - 0.55 * features.mouth_open * bulge - lift
    lower = middle + features.mouth_open * bulge
    lip = (0.55 * look.skin[0] + 60, 0.4 * look.skin[1] + 20, 0.4 * look.skin[2] + 25)
    is_open = features.mouth_open > 0.02
    if is_open:
        pen.shape(np.r_[x, x[::-1]], np.r_[upper, lower[::-1]], (92, 28, 34))
        teeth = np.minimum(upper + 0.4 * (lower - upper), upper + 0.09)
        pen.shape(np.r_[x, x[::-1]] * 0.9, np.r_[upper, teeth[::-1]], (240, 238, 232))
        pen.line(x, lower, lip, 1.0 * look.line)
    pen.line(x, upper, lip, (1.0 if is_open else 1.5) * look.line)


def _draw_glasses(pen: _Pen, look: FaceStyle) -> None:
    angles = np.append(_CIRCLE, 0.0)
    for side in (-1, 1):
        x, y = _eye_center(look, side)
        pen.line(
            x + 0.27 * np.cos(angles), y + 0.24 * np.sin(angles), (50, 45, 50), 0.8 * look.line
        )
    pen.line(np.array([-0.18, 0.18]), np.array([-0.14, -0.14]), (50, 45, 50), 0.8 * look.line)
