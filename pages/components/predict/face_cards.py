"""Shows a photo with its faces, their crops and probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import evaluation, figures
from fer_core.inference import Photo
from pages.components.predict.photo_cache import InferenceRequest, face_crop
from pages.components.predict.rendering import annotated, grad_cam_overlay
from pages.components.shared.formatting import plain

if TYPE_CHECKING:
    from fer_core.inference import PhotoResult, Recognition

FACES_PER_PAGE = 6


@dataclass(frozen=True)
class FaceCardData:
    """Holds a photo with its result."""

    photo: Photo
    request: InferenceRequest
    result: "PhotoResult"
    threshold: float  # probability below which the answer is "not sure"
    shows_grad_cam: bool


@dataclass(frozen=True)
class FaceCharts:
    """Holds the places of the charts of a photo's faces.

    They are drawn when all else has been sent: a browser takes 0.1 s for them, and would show the
    answers only with them.
    """

    data: FaceCardData
    places: Mapping[int, DeltaGenerator]  # by number of the face, from 0

    def draw(self) -> None:
        """Draws a bar per expression for each face."""
        for number, place in self.places.items():
            place.plotly_chart(
                figures.probability_figure(self.data.result.recognitions[number].probabilities),
                key=f"probabilities-{self.data.photo.key}-{number}",
                config={"displayModeBar": False},
            )


def show_photo(data: FaceCardData) -> FaceCharts:
    """Shows the annotated photo, and a card per face; returns the charts, which are drawn later.

    Raises:
        FerError: the photo or model is gone, or Grad-CAM does not support the model.
    """
    name, count = data.photo.name, len(data.result.recognitions)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(plain(name), anchor=False, width="content")
            st.badge(_describe_count(data.result))
        wide, narrow = st.columns([3, 2], gap="medium") if count < 2 else (st.container(),) * 2
        photo_place, cards_place = wide.container(), narrow.container()
        with cards_place:
            charts = FaceCharts(data, _show_cards(data, count))
        drawn = annotated(data.photo, data.request, data.threshold)
        photo_place.image(drawn, alt=f"{name} with boxes around its faces")
    return charts


def _show_cards(data: FaceCardData, count: int) -> dict[int, DeltaGenerator]:
    """Shows the answers of a page of faces; returns the places of their charts by number."""
    charts = {}
    if not count:
        _show_no_face(data.photo.name, data.result.smallest)
    elif count == 1:
        charts[0] = _show_face(data, 0)
    else:
        charts = _show_faces(data, count)
    if any(each.face.is_doubtful or each.is_blurred for each in data.result.recognitions):
        st.caption(
            "A doubtful face may be something else: the detector is less certain of it. A blurred "
            "one is blurrier than 99 % of the training images. Their answer is “not sure”, unless "
            "the minimum accuracy is “any”."
        )
    return charts


def _describe_count(result: "PhotoResult") -> str:
    count = len(result.recognitions)
    if any(each.face.is_whole for each in result.recognitions):
        return "whole picture"
    return "no face" if not count else "1 face" if count == 1 else f"{count} faces"


def _show_no_face(name: str, smallest: int) -> None:
    st.info(
        f"No face was found in {plain(name)}. Faces smaller than {smallest} pixels are ignored: "
        "choose a smaller size under “Face detection”. The detector may miss faces in profile or "
        "partly covered. If this is a cropped face already, switch on “The picture is the face”.",
        icon=":material/search_off:",
    )


def _show_faces(data: FaceCardData, count: int) -> dict[int, DeltaGenerator]:
    pages = -(-count // FACES_PER_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=f"faces-{data.photo.key}")
    first = (page - 1) * FACES_PER_PAGE
    with st.grid(3, min_column_width=260, gap="medium"):
        return {
            number: _show_face(data, number)
            for number in range(first, min(first + FACES_PER_PAGE, count))
        }


def _show_face(data: FaceCardData, number: int) -> DeltaGenerator:
    """Shows a face's crop and answer; returns the place of its chart. `number` counts from 0."""
    photo, request = data.photo, data.request
    recognition = data.result.recognitions[number]
    with st.container(gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            face = f"{number + 1} of {photo.name}"
            st.image(face_crop(photo, request, number).jpeg, width=96, alt=f"Face {face}")
            if data.shows_grad_cam:
                alt = f"Grad-CAM heatmap of face {face}"
                st.image(grad_cam_overlay(photo, request, number), width=96, alt=alt)
            answer = recognition.answer(data.threshold)
            details = f"probability {recognition.probability:.1%}"
            if answer == evaluation.NOT_SURE:
                details = evaluation.top_two(recognition.probabilities)
            blurred = ":orange-badge[Blurred]  \n" if recognition.is_blurred else ""
            st.markdown(
                f"**{number + 1} · {plain(answer)}**  \n{plain(details)}  \n{blurred}"
                f"{_describe_detection(recognition)}"
            )
        return st.container()


def _describe_detection(recognition: "Recognition") -> str:
    """Says in Markdown how sure it is that there is a face at all."""
    face = recognition.face
    if face.is_whole:
        return ":gray[:small[the whole picture, no face detection]]"
    confidence = f":gray[:small[detector confidence {face.confidence:.2f}]]"
    return f":orange-badge[Doubtful face]  \n{confidence}" if face.is_doubtful else confidence
