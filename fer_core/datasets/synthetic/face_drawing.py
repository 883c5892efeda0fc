"""Draws one schematic face."""

import math
from dataclasses import dataclass

import numpy as np

SIZE = 96  # height and width of the finished image in pixels
_SCALE = 2  # supersampling for smooth edges
_BITS = 4  # of OpenCV's fixed-point coordinates
_ARC = np.linspace(-1, 1, 25)
_CIRCLE = np.linspace(0, 2 * math.pi, 40, endpoint=False)

Color = tuple[float, float, float]  # RGB in [0, 255]


@dataclass(frozen=True)
class Features:
    """Defines an expression; lengths in half heights of the head."""

    smile: float = 0.0  # lift of the mouth's corners; negative lowers them
    mouth_open: float = 0.0  # half height of the open mouth
    mouth_width: float = 0.31  # half width
    lip_lift: float = 0.0  # of the upper lip, stronger on one side
    brow_lift: float = 0.0
    brow_slant: float = 0.0  # raises the inner ends; negative lowers them
    eye_open: float = 0.12  # half height
    wrinkle: float = 0.0  # of the nose, in [0, 1]

    def toward(self, target: "Features", share: float) -> "Features":
        """Returns features interpolated toward others; a share of 1 reaches them."""
        goal = vars(target)
        return Features(
            **{name: value + share * (goal[name] - value) for name, value in vars(self).items()}
        )


@dataclass(frozen=True)
class FaceStyle:
    """Defines what varies between faces of one expression: identity, pose and light."""

    yaw: float  # radians, as are pitch and roll
    pitch: float
    roll: float
    scale: float  # half height of the head in image sizes
    center: tuple[float, float]  # x, y in image sizes
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


def draw_face(features: Features, style: FaceStyle, noise: np.ndarray) -> np.ndarray:
    """Draws a face as uint8 RGB of shape (SIZE, SIZE, 3).

    Args:
        noise: numbers in [-1, 1] of shape (SIZE, SIZE).
    """
    import cv2  # takes 0.1 s to import

    canvas = np.empty((SIZE * _SCALE, SIZE * _SCALE, 3), np.uint8)
    canvas[:] = style.background
    pen = _Pen(canvas, style)
    _draw_head(pen, style)
    for side in (-1, 1):
        _draw_eye(pen, features, style, side)
        _draw_brow(pen, features, style, side)
    _draw_nose(pen, features, style)
    _draw_mouth(pen, features, style)
    if style.glasses:
        _draw_glasses(pen, style)
    image = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float64)
    across = np.linspace(-1, 1, SIZE)
    light = 1 + style.light[0] * across[None, :] + style.light[1] * across[:, None]
    image = image * light[:, :, None] + style.noise * noise[:, :, None]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


class _Pen:
    """Draws on the canvas in the head's own coordinates.

    The head is an ellipsoid around (0, 0) with half height 1; y points down. Shapes on its
    surface turn with it.
    """

    def __init__(self, canvas: np.ndarray, style: FaceStyle) -> None:
        self._canvas = canvas
        self._style = style

    def shape(self, x: np.ndarray, y: np.ndarray, color: Color, flat: bool = False) -> None:
        """Fills a polygon; `flat` ones are behind the face and do not turn with it."""
        import cv2

        cv2.fillPoly(self._canvas, [self._place(x, y, flat)], color, cv2.LINE_AA, _BITS)

    def line(self, x: np.ndarray, y: np.ndarray, color: Color, width: float) -> None:
        """Draws a line; its width is in half heights of the head."""
        import cv2

        pixels = max(1, round(width * self._style.scale * len(self._canvas)))
        points = self._place(x, y, flat=False)
        cv2.polylines(self._canvas, [points], False, color, pixels, cv2.LINE_AA, _BITS)

    def _place(self, x: np.ndarray, y: np.ndarray, flat: bool) -> np.ndarray:
        style = self._style
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        if not flat:
            depth = np.sqrt(
                np.clip(1 - (x / (1.15 * style.head_width)) ** 2 - (y / 1.15) ** 2, 0, 1)
            )
            x = x * math.cos(style.yaw) + style.head_width * depth * math.sin(style.yaw)
            y = y * math.cos(style.pitch) + depth * math.sin(style.pitch)
        cos, sin = math.cos(style.roll), math.sin(style.roll)
        across = style.center[0] + style.scale * (x * cos - y * sin)
        down = style.center[1] + style.scale * (x * sin + y * cos)
        points = np.stack([across, down], axis=1) * len(self._canvas) * 2**_BITS
        return np.rint(points).astype(np.int32)


def _shade(color: Color, factor: float) -> Color:
    red, green, blue = (min(255.0, value * factor) for value in color)
    return red, green, blue


def _draw_head(pen: _Pen, style: FaceStyle) -> None:
    width = style.head_width
    cos, sin = np.cos(_CIRCLE), np.sin(_CIRCLE)
    if style.hair_style == 2:
        pen.shape(1.2 * width * cos, 0.25 + 1.3 * sin, _shade(style.hair, 0.8), flat=True)
    pen.shape(0.36 * width * cos, 1.25 + 0.7 * sin, _shade(style.skin, 0.8), flat=True)  # neck
    for side in (-1, 1):
        ear = side * width * 0.98 - 0.12 * math.sin(style.yaw)
        pen.shape(ear + 0.13 * cos, 0.05 + 0.2 * sin, _shade(style.skin, 0.88), flat=True)
    jaw = 1 - 0.13 * np.clip(sin, 0, 1) ** 2  # narrower towards the chin
    pen.shape(width * jaw * cos, 1.02 * sin, style.skin, flat=True)
    for side in (-1, 1):
        pen.shape(side * 0.47 + 0.15 * cos, 0.33 + 0.11 * sin, _blush(style.skin))
    if style.hair_style:
        _draw_hair(pen, style)


def _blush(skin: Color) -> Color:
    return min(255.0, skin[0] * 1.02), skin[1] * 0.93, skin[2] * 0.93


def _draw_hair(pen: _Pen, style: FaceStyle) -> None:
    angles = np.linspace(math.pi, 2 * math.pi, 40)
    curls = 0.05 * np.sin(11 * angles) if style.hair_style == 3 else 0.0
    outer_x = 1.09 * style.head_width * np.cos(angles)
    outer_y = -0.12 + (1.05 + curls) * np.sin(angles)
    inner_x = 0.99 * style.head_width * np.cos(angles[::-1]) - 0.1 * math.sin(style.yaw)
    inner_y = -0.15 + (0.46 + 0.09 * np.cos(2 * angles[::-1])) * np.sin(angles[::-1])
    x, y = np.concatenate([outer_x, inner_x]), np.concatenate([outer_y, inner_y])
    pen.shape(x, y + 0.12 * math.sin(style.pitch), style.hair, flat=True)


def _eye_center(style: FaceStyle, side: int) -> tuple[float, float]:
    return side * 0.47 * style.head_width / 0.8, -0.12


def _draw_eye(pen: _Pen, features: Features, style: FaceStyle, side: int) -> None:
    x, y = _eye_center(style, side)
    height = max(0.015, features.eye_open)
    lid = np.sqrt(np.clip(1 - _ARC**2, 0, 1))
    upper, lower = y - height * lid, y + 0.8 * height * lid
    across = x + 0.22 * _ARC
    pen.shape(np.r_[across, across[::-1]], np.r_[upper, lower[::-1]], (245, 245, 242))
    cos, sin = np.cos(_CIRCLE), np.sin(_CIRCLE)
    gaze_x, gaze_y = x + 0.07 * style.gaze[0], y + 0.03 * style.gaze[1]
    # Closed lids cover the iris.
    for radius, color in ((0.11, style.iris), (0.055, (20.0, 18.0, 18.0))):
        inside = np.clip(gaze_y + radius * sin, y - height * 0.97, y + 0.78 * height)
        pen.shape(gaze_x + radius * cos, inside, color)
    pen.line(across, upper, (45, 35, 32), style.line)
    pen.line(across, lower, _shade(style.skin, 0.7), 0.6 * style.line)


def _draw_brow(pen: _Pen, features: Features, style: FaceStyle, side: int) -> None:
    x, y = _eye_center(style, side)
    inner = -side * _ARC  # 1 at the nose
    height = y - 0.27 - features.brow_lift - features.brow_slant * inner * 0.5
    color = _shade(style.hair if style.hair_style else style.skin, 0.6)
    pen.line(x + 0.25 * _ARC, height - 0.05 * (1 - _ARC**2), color, 2.2 * style.line)


def _draw_nose(pen: _Pen, features: Features, style: FaceStyle) -> None:
    dark = _shade(style.skin, 0.72)
    x = np.array([0.02, 0.11, 0.08, 0.0, -0.08])
    pen.line(x, np.array([0.02, 0.24, 0.31, 0.33, 0.31]), dark, 0.8 * style.line)
    if features.wrinkle > 0.15:
        for place in (-0.12, -0.03, 0.06):
            rise = 0.05 * features.wrinkle * (1 - _ARC**2)
            pen.line(0.13 * features.wrinkle * _ARC, place - rise, dark, 0.6 * style.line)
        for side in (-1, 1):
            fold = np.array([0.14, 0.24, 0.33])
            pen.line(side * fold, np.array([0.26, 0.33, 0.5]), dark, 0.6 * style.line)


def _draw_mouth(pen: _Pen, features: Features, style: FaceStyle) -> None:
    x = features.mouth_width * _ARC
    bulge = 1 - _ARC**2
    middle = 0.58 - features.smile * (_ARC**2 - 0.45)
    lift = features.lip_lift * bulge * (0.6 + 0.4 * _ARC)
    upper = middle - 0.55 * features.mouth_open * bulge - lift
    lower = middle + features.mouth_open * bulge
    lip = (0.55 * style.skin[0] + 60, 0.4 * style.skin[1] + 20, 0.4 * style.skin[2] + 25)
    is_open = features.mouth_open > 0.02
    if is_open:
        pen.shape(np.r_[x, x[::-1]], np.r_[upper, lower[::-1]], (92, 28, 34))
        teeth = np.minimum(upper + 0.4 * (lower - upper), upper + 0.09)
        pen.shape(np.r_[x, x[::-1]] * 0.9, np.r_[upper, teeth[::-1]], (240, 238, 232))
        pen.line(x, lower, lip, 1.0 * style.line)
    pen.line(x, upper, lip, (1.0 if is_open else 1.5) * style.line)


def _draw_glasses(pen: _Pen, style: FaceStyle) -> None:
    angles = np.append(_CIRCLE, 0.0)
    for side in (-1, 1):
        x, y = _eye_center(style, side)
        pen.line(
            x + 0.27 * np.cos(angles), y + 0.24 * np.sin(angles), (50, 45, 50), 0.8 * style.line
        )
    pen.line(np.array([-0.18, 0.18]), np.array([-0.14, -0.14]), (50, 45, 50), 0.8 * style.line)
