"""Shows one face at a time to a rater, and takes the answers by keys or buttons.

The browser holds the next few faces, so that the next one appears at once. It sends every answer
again until the server says that it has it: pressed one after another, none is lost.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import streamlit as st
from msgspec import Meta

from fer_core.storage import check_value

# Digits for the first eight answers; letters for more, without those that Streamlit uses (c, r)
# and that undoes (u). The last two answers have keys of their own.
KEYS = "12345678qwetyiopasdfghjklzxvbnm"
LAST_KEYS = "90"
_HERE = Path(__file__).parent
_Text = Annotated[str, Meta(max_length=100)]
_Number = Annotated[int, Meta(ge=0, le=2**31)]

_annotator = st.components.v2.component(
    "fer_annotator",
    html='<div class="annotator"></div>',
    css=(_HERE / "annotator.css").read_text(encoding="utf-8"),
    js=(_HERE / "annotator.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Face:
    """Holds a face of the sample and the rater's own answer to it."""

    place: int  # in the order of the rater
    jpeg: bytes  # empty for a missing image
    answer: int | None  # number of the answer


@dataclass(frozen=True)
class Press:
    """Holds an answer as the browser sends it."""

    number: _Number  # counts from 1 within the client
    place: _Number
    answer: _Number | None  # None withdraws the answer


@dataclass(frozen=True)
class Sent:
    """Holds what the browser sends: where the rater is, and answers that may not be saved yet."""

    client: _Text = ""  # a name that each shown component gives itself
    place: _Number = 0
    presses: tuple[Press, ...] = ()


def sent_by(key: str) -> Sent | None:
    """Returns what the browser has sent for the component with this key; None before it has.

    Raises:
        FerError: it is not what our component sends.
    """
    sent: Any = (st.session_state.get(key) or {}).get("sent")
    return None if sent is None else check_value(Sent, sent)


def annotator(
    answers: Sequence[tuple[str, str]],
    faces: Sequence[Face],
    key: str,
    *,
    start: int,
    total: int,
    answered: int,
    saved: tuple[str, int],
) -> None:
    """Shows the faces from where the rater is.

    Args:
        answers: name and color ("#rrggbb") of each; the last two stand apart.
        start: place at which a rater begins who has just come.
        total: faces in the sample.
        answered: faces of the sample with an answer.
        saved: the client, and the number of its last press that is saved.
    """
    main = len(answers) - len(LAST_KEYS)
    keys = [*KEYS[:main], *[""] * (main - len(KEYS)), *LAST_KEYS]
    data = {
        "answers": [
            {"name": name, "color": color, "key": pressed}
            for (name, color), pressed in zip(answers, keys, strict=True)
        ],
        "faces": [
            {
                "place": face.place,
                "image": base64.b64encode(face.jpeg).decode(),
                "answer": face.answer,
            }
            for face in faces
        ],
        "start": start,
        "total": total,
        "answered": answered,
        "client": saved[0],
        "saved": saved[1],
    }
    _annotator(data=data, key=key, on_sent_change=lambda: None)
