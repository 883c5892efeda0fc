"""The answers about many pictures: found with progress, shown as a gallery, one of them large."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from fer_core import evaluation, expressions
from fer_core.inference import Photo, PhotoBatch
from fer_core.runs import Run
from pages.components.predict.face_cards import FaceCardData, show_picture
from pages.components.predict.network_input import show_network_input
from pages.components.predict.options import PredictOptions
from pages.components.predict.photo_cache import InferenceRequest, recognize_all
from pages.components.predict.rendering import annotated_small
from pages.components.shared.formatting import plain
from pages.components.shared.gallery import Tile, gallery

if TYPE_CHECKING:
    from fer_core.inference import PhotoResult

_CHOSEN = "chosen-photo"
_PER_PAGE = 12
_WIDTH = 190  # pixels of a tile, at least
_QUICK = 0.3  # seconds: what is done by then needs no progress
_SHOWN = 5  # sentences; more are folded


def recognize_given(
    given: PhotoBatch, asked: InferenceRequest
) -> tuple[dict[Photo, "PhotoResult"], list[str]]:
    """What was recognised by picture, and a sentence for each file that could not be read.

    Leaving the page ends it; what was found is kept for a while.
    """
    bar, started = st.empty(), time.monotonic()

    def say(number: int) -> None:
        name = plain(given.photos[number].name)
        if time.monotonic() - started > _QUICK:
            words = f"{number:,} of {len(given.photos):,} pictures. Next: {name}"
            bar.progress(number / len(given.photos), words)
        elif not number:
            bar.caption(f"Looking for faces in {name} …")

    found, refused = recognize_all(given.photos, asked, say)
    bar.empty()
    return found, [*given.refused, *refused]


def say_refused(refused: Sequence[str], notes: Sequence[str]) -> None:
    """Why files could not be read, and what was not meant to be."""
    for sentence in refused[:_SHOWN]:
        st.error(plain(sentence), icon=":material/broken_image:")
    if len(refused) > _SHOWN:
        rest = refused[_SHOWN:]
        with st.expander(f"{len(rest):,} more could not be read", icon=":material/broken_image:"):
            st.markdown("\n".join(f"- {plain(sentence)}" for sentence in rest))
    for sentence in notes:
        st.caption(plain(sentence))


def show_results(
    asking: PredictOptions, found: Mapping[Photo, "PhotoResult"], asked: InferenceRequest
) -> None:
    """A gallery where there are several pictures, and one of them large."""
    run, threshold, photos = asking.run, asking.sureness.threshold, list(found)
    if len(photos) > 1:
        with _errors_said():
            _show_gallery(run, found, asked, threshold)
    by_key = {photo.key: photo for photo in photos}
    photo = by_key.get(st.session_state.get(_CHOSEN, ""), photos[0])
    answers = FaceCardData(photo, asked, found[photo], threshold, asking.explains)
    with _errors_said():
        show_picture(answers)
    with _errors_said():
        show_network_input(run, answers)


@contextmanager
def _errors_said() -> Iterator[None]:
    """A network that cannot be explained, or whose run was deleted meanwhile, gets its sentence."""
    try:
        yield
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/visibility_off:")


def _show_gallery(
    run: Run, found: Mapping[Photo, "PhotoResult"], asked: InferenceRequest, threshold: float
) -> None:
    photos = list(found)
    faces = sum(len(one.recognitions) for one in found.values())
    st.subheader(f"{len(photos):,} pictures, {faces:,} faces", anchor=False)
    pages = -(-len(photos) // _PER_PAGE)
    page = st.pagination(pages, key="page-of-photos") if pages > 1 else 1
    first = (page - 1) * _PER_PAGE
    colors = dict(zip(run.class_names, expressions.colors(run.class_names), strict=True))
    colors[evaluation.NOT_SURE] = evaluation.COLOR
    tiles = []
    for number, photo in enumerate(photos[first : first + _PER_PAGE], first):
        words, said = _in_short(found[photo], threshold)
        small = annotated_small(photo, asked, threshold)
        name = PurePosixPath(photo.name).name
        tiles.append(Tile(small, f"{words} · {name}", colors.get(said, "#8C8C8C"), number))
    pressed = gallery(tiles, key="photos", min_width=_WIDTH)
    if pressed is not None and 0 <= pressed < len(photos):
        st.session_state[_CHOSEN] = photos[pressed].key


def _in_short(one: "PhotoResult", threshold: float) -> tuple[str, str]:
    """A few words on a picture, and the answer where there is one face."""
    answers = [
        evaluation.label_or_abstain(each.probabilities, threshold) for each in one.recognitions
    ]
    if len(answers) == 1:
        return answers[0], answers[0]
    return (f"{len(answers)} faces" if answers else "no face"), ""
