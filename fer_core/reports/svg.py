"""Draws charts as SVG, which needs no program to show it and prints sharply.

Every text goes through `Markup.format`, which escapes it.
"""

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 460, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 22, 34, 46  # margins; in the top one is the legend
_LETTER = 6.6  # mean width of one, of 12 pixels
_TICKS = 5

Points = Sequence[tuple[float, float]]


class Plot:
    """Draws into a rectangle with two axes.

    Args:
        x: the range of the horizontal axis.
        y: the range of the vertical one.
    """

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._x, self._y = _widened(*x), _widened(*y)
        self._parts: list[Markup] = []
        self._legend: list[tuple[str, str, str]] = []

    def axes(
        self,
        x_title: str,
        y_title: str,
        x_text: Callable[[float], str],
        y_text: Callable[[float], str],
        whole: bool = False,
    ) -> "Plot":
        """Draws a grid with ticks and titles.

        Args:
            whole: whether the horizontal axis counts.
        """
        for value in ticks(*self._y):
            self._line([(self._x[0], value), (self._x[1], value)], "#d9d9d9", 1)
            self._text(_LEFT - 6, self._down(value) + 4, y_text(value), "end")
        for value in ticks(*self._x):
            if not whole or value == int(value):
                self._text(self._across(value), HEIGHT - _BOTTOM + 17, x_text(value), "middle")
        self._line([(self._x[0], self._y[0]), (self._x[1], self._y[0])], "#777", 1)
        self._text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 8, x_title, "middle")
        middle = (_TOP + HEIGHT - _BOTTOM) / 2
        self._parts.append(
            Markup(
                '<text x="14" y="{:.1f}" text-anchor="middle" transform="rotate(-90 14 {:.1f})">'
                "{}</text>"
            ).format(middle, middle, y_title)
        )
        return self

    def curve(self, points: Points, color: str, name: str = "", dash: str = "") -> None:
        """Draws a line, and names it in the legend; values that are not finite are left out."""
        points = _finite(points)
        if len(points) == 1:
            self.dots(points, color)
        self._line(points, color, 2, dash)
        if name:
            self._legend.append((name, color, dash))

    def dots(self, points: Points, color: str, radius: float = 3.5) -> None:
        """Draws disks."""
        for x, y in _finite(points):
            self._parts.append(
                Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" fill="{}"/>').format(
                    self._across(x), self._down(y), radius, color
                )
            )

    def whisker(self, x: float, low: float, high: float, color: str) -> None:
        """Draws an interval at a place of the horizontal axis."""
        self._line(_finite([(x, low), (x, high)]), color, 1.2)

    def band(
        self, x: Sequence[float], low: Sequence[float], high: Sequence[float], color: str, name: str
    ) -> None:
        """Fills the area between two lines, and names it in the legend."""
        edge = [*zip(x, low, strict=True), *reversed([*zip(x, high, strict=True)])]
        places = " ".join(f"{self._across(x):.1f},{self._down(y):.1f}" for x, y in edge)
        self._parts.append(Markup('<polygon points="{}" fill="{}"/>').format(places, color))
        self._legend.append((name, color, ""))

    def bar(self, x: tuple[float, float], height: float, color: str) -> None:
        """Draws a bar that stands on the horizontal axis."""
        left, right = map(self._across, x)
        top, bottom = self._down(height), self._down(self._y[0])
        self._parts.append(_rectangle(left, top, right - left, bottom - top, color))

    def finish(self, title: str, description: str) -> Markup:
        """Returns the chart.

        Args:
            title: a short one, for those who do not see it.
            description: in words.
        """
        across = float(_LEFT)
        for name, color, dash in self._legend:
            self._parts.append(
                Markup(
                    '<line x1="{0:.1f}" y1="14" x2="{1:.1f}" y2="14" stroke="{2}" '
                    'stroke-width="3" stroke-dasharray="{3}"/>'
                ).format(across, across + 18, color, dash)
            )
            self._text(across + 23, 18, name, "start")
            across += 40 + _LETTER * len(name)
        return finished(self._parts, HEIGHT, title, description)

    def _line(self, points: Points, color: str, width: float, dash: str = "") -> None:
        if len(points) < 2:
            return
        places = " ".join(f"{self._across(x):.1f},{self._down(y):.1f}" for x, y in points)
        self._parts.append(
            Markup(
                '<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" '
                'stroke-linejoin="round" stroke-dasharray="{}"/>'
            ).format(places, color, width, dash)
        )

    def _text(self, x: float, y: float, text: str, anchor: str) -> None:
        self._parts.append(label(x, y, text, anchor))

    def _across(self, x: float) -> float:
        low, high = self._x
        return _LEFT + (x - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def _down(self, y: float) -> float:
        low, high = self._y
        share = min(1.02, max(-0.02, (y - low) / (high - low)))
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def intervals(
    rows: Sequence[tuple[str, float, float, float]], color: str, title: str, description: str
) -> Markup:
    """Draws values in [0, 1] with their intervals, a row each.

    Args:
        rows: name, value, low and high, which may be NaN.
    """
    left, step, top = 150, 24, 12
    height = top + step * len(rows) + 34
    bottom = height - 34

    def across(value: float) -> float:
        return left + value * (WIDTH - left - 22)

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(_stroke(across(share), top, across(share), bottom, "#d9d9d9", 1))
        parts.append(label(across(share), bottom + 17, f"{share:.0%}", "middle"))
    for number, (name, value, low, high) in enumerate(rows):
        y = top + step * (number + 0.5)
        parts.append(label(left - 8, y + 4, cut(name), "end"))
        if math.isfinite(low) and math.isfinite(high):
            parts.append(_stroke(across(low), y, across(high), y, color, 2.5))
        dot = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4.5" fill="{}"/>')
        parts.append(dot.format(across(value), y, color))
    return finished(parts, height, title, description)


def stacked_bars(
    rows: Sequence[tuple[str, Sequence[float]]],
    series: Sequence[tuple[str, str]],
    title: str,
    description: str,
) -> Markup:
    """Draws horizontal bars that are made of parts.

    Args:
        rows: name and the length of each part.
        series: name and color of each part.
    """
    left, step, top = 150, 24, 34
    height = top + step * len(rows) + 10
    most = max((sum(values) for _, values in rows), default=0) or 1
    parts, across = [], float(left)
    for name, color in series:
        parts.append(_rectangle(across, 8, 12, 12, color))
        parts.append(label(across + 17, 18, name, "start"))
        across += 34 + _LETTER * len(name)
    for number, (name, values) in enumerate(rows):
        y, x = top + step * number, float(left)
        parts.append(label(left - 8, y + 15, cut(name), "end"))
        for value, (_, color) in zip(values, series, strict=True):
            length = value / most * (WIDTH - left - 60)
            parts.append(_rectangle(x, y + 3, length, step - 7, color))
            x += length
        parts.append(label(x + 5, y + 15, f"{sum(values):,.0f}", "start"))
    return finished(parts, height, title, description)


def ticks(low: float, high: float) -> list[float]:
    """Returns about five round numbers within a range, ascending."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    values = (step * number for number in range(first, first + 3 * _TICKS))
    return [round(value, 12) for value in values if value <= high + 1e-9 * step]


def label(x: float, y: float, text: str, anchor: str) -> Markup:
    """Returns a line of text."""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )


def finished(parts: Iterable[Markup], height: float, title: str, description: str) -> Markup:
    """Returns a chart with its title and its description in words."""
    return Markup(
        '<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}. {}" '
        'xmlns="http://www.w3.org/2000/svg">{}</svg>'
    ).format(WIDTH, height, title, description, Markup("").join(parts))


def _rectangle(x: float, y: float, width: float, height: float, color: str) -> Markup:
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>').format(
        x, y, max(0.0, width), max(0.0, height), color
    )


def _stroke(x: float, y: float, x_end: float, y_end: float, color: str, width: float) -> Markup:
    return Markup(
        '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}" stroke-width="{}"/>'
    ).format(x, y, x_end, y_end, color, width)


def cut(name: str) -> str:
    """Returns a name that has room beside a chart or above a column."""
    return name if len(name) <= 20 else f"{name[:19]}…"


def _finite(points: Points) -> Points:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _widened(low: float, high: float) -> tuple[float, float]:
    """Returns a range that is not empty."""
    return (low, high) if high > low else (low - 0.5, low + 0.5)
