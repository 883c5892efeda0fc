"""Shows what was recognised in a picture: its faces, their crops and probabilities."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from fer_core import evaluation, figures
from fer_core.inference import Photo
from pages.components.predict.explained import grad_cam_overlay
from pages.components.predict.photo_cache import InferenceRequest
from pages.components.predict.rendering import annotated, crop
from pages.components.shared.formatting import plain

if TYPE_CHECKING:
    from fer_core.inference import PhotoResult

FACES_PER_PAGE = 6


@dataclass(frozen=True)
class FaceCardData:
    """A picture, what was asked about it, and what was answered."""

    photo: Photo
    asked: InferenceRequest
    found: "PhotoResult"
    threshold: float  # less probable answers are "not sure"
    explains: bool  # whether each face is shown with where the network looked


def show_picture(answers: FaceCardData) -> None:
    """The picture with its boxes drawn, and a card per face, explained if asked for.

    Raises:
        ValueError: the network cannot be explained.
    """
    name, count = answers.photo.name, len(answers.found.recognitions)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(plain(name), anchor=False, width="content")
            st.badge("no face" if not count else "1 face" if count == 1 else f"{count} faces")
        picture, cards = st.columns([3, 2], gap="medium") if count < 2 else (st.container(),) * 2
        drawn = annotated(answers.photo, answers.asked, answers.threshold)
        picture.image(drawn, alt=f"{name} with boxes around its faces")
        with cards:
            if not count:
                _say_no_face(name, answers.found.smallest)
            elif count == 1:
                _show_face(answers, 0)
            else:
                _show_faces(answers, count)


def _say_no_face(name: str, smallest: int) -> None:
    st.info(
        f"No face was found in {plain(name)}. Faces smaller than {smallest} pixels were not looked "
        "for: a smaller size can be chosen under “Face search”. A face seen from the side, from "
        "above or half hidden may be missed.",
        icon=":material/search_off:",
    )


def _show_faces(answers: FaceCardData, count: int) -> None:
    pages = -(-count // FACES_PER_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=f"faces-{answers.photo.key}")
    first = (page - 1) * FACES_PER_PAGE
    with st.grid(3, min_column_width=260, gap="medium"):
        for number in range(first, min(first + FACES_PER_PAGE, count)):
            _show_face(answers, number)


def _show_face(answers: FaceCardData, number: int) -> None:
    """The crop, the answer in words and a bar per expression; faces are counted from 0."""
    photo, asked = answers.photo, answers.asked
    recognition = answers.found.recognitions[number]
    with st.container(gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            face = f"{number + 1} of {photo.name}"
            st.image(crop(photo, asked, number), width=96, alt=f"Face {face}")
            if answers.explains:
                words = f"Where the network looked in face {face}"
                st.image(grad_cam_overlay(photo, asked, number), width=96, alt=words)
            said = evaluation.label_or_abstain(recognition.probabilities, answers.threshold)
            share = f"probability {recognition.probability:.1%}"
            if said == evaluation.NOT_SURE:
                share = evaluation.top_two(recognition.probabilities)
            st.markdown(
                f"**{number + 1} · {plain(said)}**  \n{plain(share)}  \n"
                f":gray[:small[detector's confidence {recognition.face.confidence:.2f}]]"
            )
        st.plotly_chart(
            figures.probability_figure(recognition.probabilities),
            key=f"probabilities-{photo.key}-{number}",
            config={"displayModeBar": False},
        )
