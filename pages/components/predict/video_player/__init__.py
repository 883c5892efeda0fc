"""Joins a video to the charts of its faces, in the browser alone.

A click or a key on a chart moves the video; the video moves a line on each chart, and below it
stands who is seen at that moment. Nothing is asked of the server meanwhile,
until a moment is to be marked.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from fer_core.evaluation import COLOR, NOT_SURE
from fer_core.expressions import colors
from fer_core.figures import TIMELINE_ORIGIN
from fer_core.inference import AnswerSpell, Summary

KEYS_HELP = (
    "Click a chart to go to that moment. Space plays and pauses; the arrow keys move by a second, "
    "comma and period by a frame."
)
_HERE = Path(__file__).parent
_PREFIX = "video-and-charts-"

_player = st.components.v2.component(
    "fer_video_player",
    html='<div class="fer-moment" role="group" aria-label="Faces at this moment"></div>'
    '<button class="fer-mark" type="button">Mark this moment</button>',
    css=(_HERE / "video_player.css").read_text(encoding="utf-8"),
    js=(_HERE / "video_player.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # the video and the charts are outside
)


@contextmanager
def joined_video(key: str) -> Iterator[None]:
    """Opens a container whose video and charts `show_moment` joins."""
    with st.container(key=f"{_PREFIX}{key}"):
        yield


def show_moment(key: str, summary: Summary, spells: Sequence[AnswerSpell]) -> float | None:
    """Shows who is seen at the moment of the video, and joins it to the charts.

    Also says so where the browser cannot play the video.

    Args:
        key: of `joined_video`.
        spells: of all faces, in the time of the charts.

    Returns:
        The seconds of the moment for which "Mark this moment" was just pressed, else None.
    """
    names = (*summary.class_names, NOT_SURE)
    shades = dict(zip(names, (*colors(summary.class_names), COLOR), strict=True))
    answers = list(dict.fromkeys(spell.answer for spell in spells))
    data: dict[str, Any] = {
        "container": f"st-key-{_PREFIX}{key}",
        "origin": TIMELINE_ORIGIN,
        "cuts": summary.cuts if summary.cuts_are_known else None,
        "answers": [{"label": name, "color": shades.get(name, COLOR)} for name in answers],
        "spells": [
            [spell.face, round(spell.start, 3), round(spell.end, 3), answers.index(spell.answer)]
            for spell in spells
        ],
    }
    marked = _player(data=data, key=f"moment-{key}", on_marked_change=lambda: None).marked
    return float(marked) if isinstance(marked, int | float) else None
