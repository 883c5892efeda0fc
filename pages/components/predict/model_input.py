"""Shows the model's input for a face, and compares it with the training images."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import evaluation, vision
from fer_core.errors import FerError
from fer_core.runs import Run, image_stats_file
from fer_core.storage import Stamp, stamp
from fer_core.vision import ImageStats
from pages.components.predict.face_cards import FaceCardData
from pages.components.predict.photo_cache import ShownCrop, face_crop
from pages.components.shared.formatting import plain

MARGIN = "crop-margin"  # key of the slider, whose value affects results above it
_MIN, _MAX, _STEP = -30, 80, 5  # % of the box's longer side
_SIDE = 240  # pixels of the crop on the screen
_UNUSUAL = 0.95  # share of the training images on one side
# Name of each measure, and how lower and higher values are described.
_WORDS = {
    "mean": ("Brightness", "darker", "brighter"),
    "deviation": ("Contrast", "lower", "higher"),
    "sharpness": ("Sharpness", "blurrier", "sharper"),
}


def chosen_margin(run: Run) -> float:
    """Returns the margin as a share, before `show_model_input` draws its slider."""
    return int(st.session_state.get(_margin_key(run), _usual_margin(run))) / 100


def _usual_margin(run: Run) -> int:
    """Returns what the model is used to, in percent."""
    return min(max(_STEP * round(100 * run.crop_margin / _STEP), _MIN), _MAX)


def _margin_key(run: Run) -> str:
    """Returns the key of the slider; a model that is used to a margin has one of its own."""
    return f"{MARGIN}-{run.id}" if _usual_margin(run) else MARGIN


def show_model_input(run: Run, data: FaceCardData) -> None:
    """Shows the input pixels of a face, the margin slider and the comparison."""
    with st.container(border=True):
        st.subheader("Model input", anchor=False)
        pixels_place, text_place = st.columns([1, 2], gap="large")
        with text_place:
            st.slider(
                "Margin around the face",
                _MIN,
                _MAX,
                step=_STEP,
                value=_usual_margin(run),
                format="%d%%",
                key=_margin_key(run),
                disabled=data.request.search.whole,
                help="Widens the detector's box by a share of its longer side; negative values "
                "shrink it. All photos are classified again. FER2013 is cropped like the box.",
            )
            number = _choose_face(data)
        if number is None:
            text_place.caption("This photo has no face.")
            return
        crop = face_crop(data.photo, data.request, number)
        _show_pixels(pixels_place, crop, number)
        with text_place:
            _compare(run, vision.measure_image(crop.pixels))


def _choose_face(data: FaceCardData) -> int | None:
    """Returns the position of the chosen face; None if there is none."""
    count = len(data.result.recognitions)
    if count < 2:
        return 0 if count else None
    options = list(range(1, count + 1))
    return int(st.selectbox("Face", options, key=f"seen-face-{data.photo.key}")) - 1


def _show_pixels(place: DeltaGenerator, crop: ShownCrop, number: int) -> None:
    pixels = crop.pixels
    height, width, channels = pixels.shape
    kind = "gray" if channels == 1 or (pixels[..., :1] == pixels).all() else "color"
    large = vision.tile(pixels[None, None], _SIDE)
    place.image(vision.encode(large), alt=f"Model input of face {number + 1}")
    place.caption(f"{width}×{height} pixels, {kind}, from a {crop.width}×{crop.height} pixel crop.")


def _compare(run: Run, appearance: vision.Appearance) -> None:
    try:
        with st.spinner("Measuring the training images …"):
            stats = _training_stats(run, stamp(image_stats_file(run)))
    except (FerError, OSError) as error:
        st.info(
            f"No comparison with the training images. {plain(str(error))}",
            icon=":material/help:",
        )
        return
    unusual = False
    for name, below in stats.below(appearance).items():
        title, less, more = _WORDS[name]
        share, word = (below, more) if below >= 0.5 else (1 - below, less)
        is_unusual = share >= _UNUSUAL
        unusual = unusual or is_unusual
        shown = "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"
        sentence = f"{title}: {word} than {shown} of the training images"
        st.markdown(f":orange-badge[:material/warning: {sentence}]" if is_unusual else sentence)
    st.caption(
        "This face differs from the training images: the prediction is less reliable."
        if unusual
        else "Brightness, contrast and sharpness are within the usual range of the training images."
    )


@st.cache_data(
    max_entries=32,
    ttl="1h",
    show_spinner=False,
    hash_funcs={Run: lambda run: str(run.directory)},
)
def _training_stats(run: Run, now: Stamp) -> ImageStats:
    return evaluation.training_stats_of(run)
