"""A responsive grid of clickable thumbnails."""

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
    """Describes a labeled probability bar under a thumbnail."""

    label: str
    share: float  # in [0, 1]
    color: str  # "#rrggbb"
    strong: bool = False  # bold, for the true class


@dataclass(frozen=True)
class Tile:
    """Describes one thumbnail of a gallery."""

    jpeg: bytes  # empty for a missing image: the tile says so
    label: str
    color: str  # of the dot beside the label, "#rrggbb"
    number: int = 0  # returned by `gallery` after a click
    faded: bool = False  # for excluded images
    bars: tuple[Bar, ...] = ()  # below the label


def gallery(
    tiles: Sequence[Tile],
    key: str,
    *,
    min_width: int = 84,
    clickable: bool = True,
    groups: Sequence[int] | None = None,
) -> int | None:
    """Shows the tiles; returns the number of the one that was just clicked, else None.

    Args:
        min_width: of a tile, in pixels.
        groups: a number for each tile; neighbors with the same number share a frame.
    """
    data = {
        "groups": None if groups is None else list(groups),
        "minWidth": min_width,
        "clickable": clickable,
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
