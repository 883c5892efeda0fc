"""Recognizes photos with progress, and shows a gallery and one photo in detail."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from fer_core import evaluation, expressions
from fer_core.errors import FerError
from fer_core.inference import Photo, PhotoBatch
from fer_core.runs import Run
from fer_core.text import counted
from pages.components.predict.face_cards import FaceCardData, FaceCharts, show_photo
from pages.components.predict.model_input import show_model_input
from pages.components.predict.options import PredictOptions
from pages.components.predict.photo_cache import InferenceRequest, recognize_all
from pages.components.predict.rendering import annotated_thumbnail
from pages.components.shared.formatting import plain
from pages.components.shared.gallery import Tile, gallery

if TYPE_CHECKING:
    from fer_core.inference import PhotoResult

_CHOSEN = "chosen-photo"
_PER_PAGE = 12
_MIN_TILE_WIDTH = 190  # pixels
_PROGRESS_AFTER = 0.3  # seconds
_MAX_ERRORS = 5  # shown; an expander has the others


def recognize_batch(
    batch: PhotoBatch, request: InferenceRequest
) -> tuple[dict[Photo, "PhotoResult"], list[str]]:
    """Returns results by photo, and a sentence for each unreadable file; shows progress.

    Leaving the page stops it; the results so far stay in the cache.
    """
    bar, started = st.empty(), time.monotonic()

    def report(number: int) -> None:
        name = plain(batch.photos[number].name)
        if time.monotonic() - started > _PROGRESS_AFTER:
            text = f"{number:,} of {len(batch.photos):,} photos. Next: {name}"
            bar.progress(number / len(batch.photos), text)
        elif not number:
            bar.caption(f"Finding faces in {name} …")

    results, errors = recognize_all(batch.photos, request, report)
    bar.empty()
    return results, [*batch.errors, *errors]


def show_errors(errors: Sequence[str], notes: Sequence[str]) -> None:
    """Shows why files could not be read, and which were skipped."""
    for sentence in errors[:_MAX_ERRORS]:
        st.error(plain(sentence), icon=":material/broken_image:")
    if len(errors) > _MAX_ERRORS:
        rest = errors[_MAX_ERRORS:]
        with st.expander(f"{len(rest):,} more could not be read", icon=":material/broken_image:"):
            st.markdown("\n".join(f"- {plain(sentence)}" for sentence in rest))
    for sentence in notes:
        st.caption(plain(sentence))


def show_results(
    options: PredictOptions, results: Mapping[Photo, "PhotoResult"], request: InferenceRequest
) -> FaceCharts | None:
    """Shows a gallery of several photos, and one in detail; returns its charts, to be drawn last.

    There are none if the photo or the model is gone.
    """
    run, threshold, photos = options.run, options.abstention.threshold, list(results)
    if len(photos) > 1:
        with _error_in_place():
            _show_gallery(run, results, request, threshold)
    by_key = {photo.key: photo for photo in photos}
    photo = by_key.get(st.session_state.get(_CHOSEN, ""), photos[0])
    data = FaceCardData(photo, request, results[photo], threshold, options.shows_grad_cam)
    charts = None
    with _error_in_place():
        charts = show_photo(data)
    with _error_in_place():
        show_model_input(run, data)
    return charts


@contextmanager
def _error_in_place() -> Iterator[None]:
    """Shows an error of one section, such as a run deleted by another session, in its place."""
    try:
        yield
    except FerError as error:
        st.error(plain(str(error)), icon=":material/visibility_off:")


def _show_gallery(
    run: Run, results: Mapping[Photo, "PhotoResult"], request: InferenceRequest, threshold: float
) -> None:
    photos = list(results)
    faces = sum(len(result.recognitions) for result in results.values())
    title = f"{counted(len(photos), 'photo')}, {counted(faces, 'face')}"
    st.subheader(title, anchor=False)
    pages = -(-len(photos) // _PER_PAGE)
    page = st.pagination(pages, key="page-of-photos") if pages > 1 else 1
    first = (page - 1) * _PER_PAGE
    colors = dict(zip(run.class_names, expressions.colors(run.class_names), strict=True))
    colors[evaluation.NOT_SURE] = evaluation.COLOR
    tiles = []
    for number, photo in enumerate(photos[first : first + _PER_PAGE], first):
        label, answer = _summarize(results[photo], threshold)
        small = annotated_thumbnail(photo, request, threshold)
        name = PurePosixPath(photo.name).name
        tiles.append(Tile(small, f"{label} · {name}", colors.get(answer, "#8C8C8C"), number))
    pressed = gallery(tiles, key="photos", min_width=_MIN_TILE_WIDTH)
    if pressed is not None and 0 <= pressed < len(photos):
        st.session_state[_CHOSEN] = photos[pressed].key


def _summarize(result: "PhotoResult", threshold: float) -> tuple[str, str]:
    """Returns a short label of a photo, and the answer if it has exactly one face."""
    answers = [each.answer(threshold) for each in result.recognitions]
    if len(answers) == 1:
        return answers[0], answers[0]
    return (f"{len(answers)} faces" if answers else "no face"), ""
