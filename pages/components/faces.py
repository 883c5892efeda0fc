"""Shows what was recognised in a picture: its faces, their crops and probabilities."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from fer_core import figures
from pages.components.resources import Recognized
from pages.components.words import plain

if TYPE_CHECKING:
    from fer_core.recognition import Recognition

FACES_PER_PAGE = 6


Explain = Callable[["Recognition"], bytes]  # a face's crop with what speaks for its expression


def show_picture(name: str, recognized: Recognized, explain: Explain | None = None) -> None:
    """The picture with its boxes drawn, and a card per face, explained if asked for.

    Raises:
        ValueError: the network cannot be explained.
    """
    count = len(recognized.recognitions)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(plain(name), anchor=False, width="content")
            st.badge("no face" if not count else "1 face" if count == 1 else f"{count} faces")
        picture, cards = st.columns([3, 2], gap="medium") if count < 2 else (st.container(),) * 2
        picture.image(recognized.annotated, alt=f"{name} with boxes around its faces")
        with cards:
            if not count:
                _say_no_face(name, recognized.smallest)
            elif count == 1:
                _show_face(name, recognized, 0, explain)
            else:
                _show_faces(name, recognized, count, explain)


def _say_no_face(name: str, smallest: int) -> None:
    st.info(
        f"No face was found in {plain(name)}. Faces smaller than {smallest} pixels were not looked "
        "for: a smaller size can be chosen under “Face search”. A face seen from the side, from "
        "above or half hidden may be missed.",
        icon=":material/search_off:",
    )


def _show_faces(name: str, recognized: Recognized, count: int, explain: Explain | None) -> None:
    pages = -(-count // FACES_PER_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=f"faces-{name}")
    first = (page - 1) * FACES_PER_PAGE
    with st.grid(3, min_column_width=260, gap="medium"):
        for number in range(first, min(first + FACES_PER_PAGE, count)):
            _show_face(name, recognized, number, explain)


def _show_face(name: str, recognized: Recognized, number: int, explain: Explain | None) -> None:
    """The crop, the expression in words and a bar per expression; faces are counted from 0."""
    recognition = recognized.recognitions[number]
    with st.container(gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(recognized.crops[number], width=96, alt=f"Face {number + 1} of {name}")
            if explain is not None:
                words = f"Where the network looked in face {number + 1} of {name}"
                st.image(explain(recognition), width=96, alt=words)
            st.markdown(
                f"**{number + 1} · {plain(recognition.expression)}**  \n"
                f"probability {recognition.probability:.1%}  \n"
                f":gray[:small[detector's confidence {recognition.face.confidence:.2f}]]"
            )
        st.plotly_chart(
            figures.probability_figure(recognition.probabilities),
            key=f"probabilities-{name}-{number}",
            config={"displayModeBar": False},
        )
