"""A grid of small pictures that can be pressed; as many columns as the screen has room for."""

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent

_gallery = st.components.v2.component(
    "fer_gallery",
    html='<div class="gallery"></div>',
    css=(_HERE / "gallery.css").read_text(encoding="utf-8"),
    js=(_HERE / "gallery.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Bar:
    """A probability under a picture."""

    label: str
    share: float  # in [0, 1]
    color: str  # "#rrggbb"
    strong: bool = False  # for the true class


@dataclass(frozen=True)
class Tile:
    """One picture of a gallery."""

    jpeg: bytes  # empty where there is no picture: the tile says so
    label: str
    color: str  # of the mark beside the label, "#rrggbb"
    number: int = 0  # what comes back when the tile is pressed
    faded: bool = False  # whether it is shown as one that does not count
    bars: tuple[Bar, ...] = ()  # below the label


def gallery(
    tiles: Sequence[Tile],
    key: str,
    *,
    least: int = 84,
    pressed: bool = True,
    groups: Sequence[int] | None = None,
) -> int | None:
    """Shows the tiles and gives the number of the one that was just pressed.

    Args:
        least: narrowest width of a tile, in pixels.
        pressed: whether tiles can be pressed.
        groups: a number for each tile; neighbours of one number stand in a frame together.
    """
    data = {
        "groups": None if groups is None else list(groups),
        "least": least,
        "pressed": pressed,
        "tiles": [
            {
                "image": base64.b64encode(tile.jpeg).decode(),
                "label": tile.label,
                "color": tile.color,
                "number": tile.number,
                "faded": tile.faded,
                "bars": [asdict(bar) for bar in tile.bars],
            }
            for tile in tiles
        ],
    }
    result = _gallery(data=data, key=key, on_pressed_change=lambda: None)
    return None if result.pressed is None else int(result.pressed)
