"""What the network gets of a face, and how that compares with the faces it was trained on."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import evaluation, vision
from fer_core.runs import Run, image_stats_file
from fer_core.storage import Stamp, stamp
from fer_core.vision import ImageStats
from pages.components.predict.face_cards import FaceCardData
from pages.components.predict.photo_cache import network_of
from pages.components.predict.rendering import cut_out
from pages.components.shared.formatting import plain

MARGIN = "crop-margin"  # the slider's key; its value decides answers that stand above it
_LEAST, _MOST, _STEP = -30, 80, 5  # % of the box's longer side
_SIDE = 240  # pixels of the crop on the screen
_UNUSUAL = 0.95  # of the training faces are on one side
# Of each measure: its name, what has less of it, what has more.
_WORDS = {
    "mean": ("Brightness", "darker", "brighter"),
    "deviation": ("Contrast", "of less contrast", "of more contrast"),
    "sharpness": ("Sharpness", "more blurred", "sharper"),
}


def chosen_margin() -> float:
    """What the slider of `show_network_input` says, as a share, before it is drawn."""
    return int(st.session_state.get(MARGIN, 0)) / 100


def show_network_input(run: Run, answers: FaceCardData) -> None:
    """The chosen face's pixels, the slider for the margin, and the comparison."""
    with st.container(border=True):
        st.subheader("What the network sees", anchor=False)
        pixels_place, words_place = st.columns([1, 2], gap="large")
        with words_place:
            st.slider(
                "Margin around the face",
                _LEAST,
                _MOST,
                step=_STEP,
                value=0,
                format="%d%%",
                key=MARGIN,
                help="More of what is around the detector's box, as a share of its longer side; "
                "less than nothing cuts into it. All pictures are answered anew. Training faces "
                "of FER2013 are cut like the box itself.",
            )
            number = _choose_face(answers)
        if number is None:
            words_place.caption("In this picture there is no face to show.")
            return
        crop = cut_out(answers.photo, answers.asked, number)
        pixels = network_of(answers.asked).pixels(crop)
        _show_pixels(pixels_place, pixels, crop.shape[0], number)
        with words_place:
            _compare(run, vision.measure_image(pixels))


def _choose_face(answers: FaceCardData) -> int | None:
    """The number of the face, from 0; None where there is none."""
    count = len(answers.found.recognitions)
    if count < 2:
        return 0 if count else None
    options = list(range(1, count + 1))
    return int(st.selectbox("Face", options, key=f"seen-face-{answers.photo.key}")) - 1


def _show_pixels(place: DeltaGenerator, pixels: np.ndarray, side: int, number: int) -> None:
    height, width, channels = pixels.shape
    kind = "gray" if channels == 1 or (pixels[..., :1] == pixels).all() else "in colour"
    large = vision.tile(pixels[None, None], _SIDE)
    place.image(vision.encode(large), alt=f"Face {number + 1} as the network gets it")
    place.caption(
        f"{width}×{height} pixels, {kind}, from a square of {side}×{side} pixels of the picture."
    )


def _compare(run: Run, look: vision.Appearance) -> None:
    try:
        with st.spinner("Looking at the training faces …"):
            survey = _survey(run, stamp(image_stats_file(run)))
    except (ValueError, OSError) as error:
        st.info(
            f"It cannot be compared with the training faces. {plain(str(error))}",
            icon=":material/help:",
        )
        return
    unusual = False
    for name, below in survey.below(look).items():
        title, less, more = _WORDS[name]
        share, word = (below, more) if below >= 0.5 else (1 - below, less)
        odd = share >= _UNUSUAL
        unusual = unusual or odd
        shown = "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"
        sentence = f"{title}: {word} than {shown} of the training faces"
        st.markdown(f":orange-badge[:material/warning: {sentence}]" if odd else sentence)
    st.caption(
        "Such a face is unlike those it learned from: its answer deserves less trust."
        if unusual
        else "In light, contrast and sharpness it is like the faces that the network learned from."
    )


@st.cache_data(
    max_entries=32,
    ttl="1h",
    show_spinner=False,
    hash_funcs={Run: lambda run: str(run.directory)},
)
def _survey(run: Run, now: Stamp) -> ImageStats:
    return evaluation.training_stats_of(run)
