"""Chooses the baseline of a video: a range of it, or a photo of each person's neutral face."""

from dataclasses import replace
from typing import Any

import streamlit as st

from fer_core import inference, vision
from fer_core.errors import FerError
from fer_core.inference import Video
from fer_core.markers import Annotations, NeutralPhoto, TimeRange, parse_range
from fer_core.runs import open_run
from fer_core.vision import IMAGE_SUFFIXES
from pages.components.predict.markers.marks import MarkedFaces, change_marks
from pages.components.predict.photo_cache import LARGE_PHOTOS
from pages.components.shared.access import upload_limit, writing
from pages.components.shared.formatting import plain
from pages.components.shared.models import classifier, detector

_RANGE, _PHOTO = "Range of the video", "Neutral photo"
_MAX_PHOTO_MB = 50


def show_baseline(video: Video, faces: MarkedFaces) -> None:
    """Shows the baseline, and fields for another."""
    st.markdown("**Baseline**")
    st.caption(
        "A person's probabilities with a neutral face. They are subtracted from the means and in "
        "the timelines."
    )
    _show_current(video, faces)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.segmented_control(
            "Baseline",
            [_RANGE, _PHOTO],
            default=_RANGE,
            required=True,
            key=f"baseline-way-{video.id}",
            label_visibility="collapsed",
        )
        if way == _RANGE:
            _choose_range(video)
        else:
            _choose_photo(video, faces)


def _show_current(video: Video, faces: MarkedFaces) -> None:
    marks = faces.annotations
    if not marks.has_baseline:
        return
    people = list(faces.baselines or ())
    said = [f"{plain(person)}: {plain(faces.describe_baseline(person))}" for person in people]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Subtracted: " + ("; ".join(said) or "nothing, since nobody is seen in it"))
        st.button(
            "Remove baseline",
            icon=":material/close:",
            key=f"no-baseline-{video.id}",
            on_click=_remove,
            args=(video,),
            **writing(),
        )


def _remove(video: Video) -> None:
    change_marks(video, lambda annotations: replace(annotations, baseline=None, photos={}))


def _choose_range(video: Video) -> None:
    key = f"baseline-range-{video.id}"
    st.text_input("From-to", key=key, width=160, placeholder="0:00-0:05")
    st.button(
        "Set baseline",
        key=f"set-baseline-{video.id}",
        on_click=_set_range,
        args=(video, key),
        **writing(help="The mean of each person's frames in this range."),
    )


def _set_range(video: Video, key: str) -> None:
    def change(annotations: Annotations) -> Annotations:
        baseline = TimeRange(*parse_range(st.session_state[key]))
        return replace(annotations, baseline=baseline, photos={})

    change_marks(video, change)


def _choose_photo(video: Video, faces: MarkedFaces) -> None:
    names = list(dict.fromkeys(faces.people["person"]))
    person = st.selectbox("Person", names, key=f"baseline-person-{video.id}", width=160)
    file = st.file_uploader(
        "Photo of the neutral face",
        type=[suffix[1:] for suffix in sorted(IMAGE_SUFFIXES)],
        max_upload_size=upload_limit(_MAX_PHOTO_MB),
        key=f"baseline-photo-{video.id}",
        **writing(),
    )
    st.button(
        "Set baseline",
        key=f"set-photo-{video.id}",
        on_click=_set_photo,
        args=(video, faces, person, file),
        **writing(disabled=file is None or person is None),
    )


def _set_photo(video: Video, faces: MarkedFaces, person: str, file: Any) -> None:
    def change(annotations: Annotations) -> Annotations:
        photo = _recognize(video, faces, file.getvalue(), file.name)
        return replace(annotations, baseline=None, photos=annotations.photos | {person: photo})

    change_marks(video, change)


def _recognize(video: Video, faces: MarkedFaces, data: bytes, name: str) -> NeutralPhoto:
    """Returns the probabilities of the largest face of a photo, by the model of the video."""
    run = open_run(video.run_id)
    if run.model_file is None:
        raise FerError(
            f"{run.name} must still have the model that processed the video. Process "
            "the video again with another run."
        )
    model = classifier(run.id, run.model_file.stat().st_mtime_ns, video.settings.tta)
    if model.class_names != faces.summary.class_names:
        raise FerError(f"{run.name} must have the expressions of the video. Process it again.")
    with LARGE_PHOTOS:
        image = vision.decode(data, name)
        found = inference.recognition.recognize(image, detector(), model)
    if not found:
        raise FerError(f"A neutral photo must show a face. None was found in {name}.")
    largest = max(found, key=lambda each: each.face.box.width * each.face.box.height)
    # A float32 that was rounded may be above 1.
    return NeutralPhoto(name, {key: min(1.0, p) for key, p in largest.probabilities.items()})
