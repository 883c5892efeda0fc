"""The Annotate mode: a rater labels a sample face by face, blind to all other labels."""

from functools import partial

import numpy as np
import streamlit as st

from fer_core import access, expressions, vision
from fer_core.datasets import Dataset, Key, positions_of, raters
from fer_core.errors import FerError
from fer_core.storage import Stamp, stamp
from pages.components.datasets.annotator import Face, Sent, annotator, sent_by
from pages.components.shared.access import writing
from pages.components.shared.dataset_cache import open_cached
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.formatting import SPLITS, plain

# Faces that the browser holds before the shown one and after it, and how large they may be: all
# of them are sent with each answer.
_BEHIND, _AHEAD, _MOST_BYTES = 3, 40, 200_000
_PIXELS = 384  # of the longer side; larger faces are reduced
_GRAY = "#8a8a8a"
_COUNT = 200  # default of a sample


def show_annotation(dataset: Dataset) -> None:
    """Shows who rates which sample, then the faces."""
    samples = raters.sample_names(dataset)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rater = _choose_rater(dataset)
        sample = _choose_sample(dataset, samples)
        with st.popover(
            "Draw a sample",
            icon=":material/casino:",
            key=f"draw-{dataset.name}-{len(samples)}",  # another one, closed, after a draw
        ):
            _sample_form(dataset, samples)
    if not samples or sample is None:
        st.info(
            "Draw a sample of faces first. All raters label the same faces, each in a different "
            "random order.",
            icon=":material/casino:",
        )
    elif rater:
        _show_faces(dataset, rater, sample)
    else:
        st.info(
            "Enter your name, then label the faces with the number keys. You see neither their "
            "labels nor the votes of others. Each vote is saved at once; enter the same name again "
            "to continue later.",
            icon=":material/badge:",
        )


def _choose_rater(dataset: Dataset) -> str:
    """Returns the rater's name, or "" if none is given or it is not valid."""
    wanted = st.text_input(
        "Rater",
        value=st.query_params.get("rater", ""),
        placeholder="Your name",
        max_chars=64,
        width=200,
        key=f"rater-{dataset.name}",
        **writing(help="Letters, digits, dashes, underscores and dots."),
    )
    if not wanted.strip() or not access.current().may_write:
        return ""
    try:
        name = raters.rater_name(dataset, wanted)
    except FerError as error:
        st.error(plain(str(error)))
        return ""
    st.query_params["rater"] = name
    return name


def _choose_sample(dataset: Dataset, samples: list[str]) -> str | None:
    linked = st.query_params.get("sample")
    sample = st.selectbox(
        "Sample",
        samples,
        index=samples.index(linked) if linked in samples else 0 if samples else None,
        placeholder="None yet",
        width=200,
        key=f"sample-{dataset.name}-{len(samples)}",
        format_func=plain,
    )
    if sample is not None:
        st.query_params["sample"] = sample
    return sample


def _sample_form(dataset: Dataset, samples: list[str]) -> None:
    splits, images = _splits(dataset.name, stamp(dataset.directory / "index.csv"))
    show_reported_errors()  # here, since the open form would cover them on the page
    with st.form(f"draw-sample-{dataset.name}", border=False):
        name = st.text_input("Name of the sample", value=f"sample-{len(samples) + 1}", max_chars=64)
        count = st.number_input(
            "Faces",
            min_value=1,
            max_value=raters.MOST_IMAGES,
            value=min(_COUNT, images),
        )
        split = st.selectbox(
            "From the split",
            [None, *splits],
            format_func=lambda split: "All" if split is None else SPLITS[split],
        )
        stratified = st.toggle(
            "Stratified",
            value=True,
            help="Each expression has the share of the sample that it has in the split.",
        )
        seed = st.number_input("Seed", min_value=0, max_value=2**31 - 1, value=0)
        if st.form_submit_button("Draw", type="primary", **writing()):
            draw = partial(
                raters.draw_sample,
                dataset,
                name,
                int(count),
                split=split,
                stratified=stratified,
                seed=int(seed),
            )
            if run_or_report(draw):
                st.query_params["sample"] = name.strip()
            st.rerun()


@st.cache_data(max_entries=16, show_spinner=False)
def _splits(name: str, index: Stamp) -> tuple[list[str], int]:
    """Returns the splits that have images, and the number of all images."""
    dataset = open_cached(name)
    return [str(split) for split in dataset.counts().columns], len(dataset.index)


def _show_faces(dataset: Dataset, rater: str, sample: str) -> None:
    key = f"annotator-{dataset.name}-{sample}-{rater}"
    try:
        keys, positions = _order(
            dataset.name,
            stamp(dataset.directory / "index.csv"),
            stamp(raters.sample_file(dataset, sample)),
            sample,
            rater,
        )
        sent = sent_by(key)
        saved = _save(dataset, rater, keys, sent)
        votes = raters.read_rater(dataset, rater).answers
    except FerError as error:
        st.error(plain(str(error)))
        return
    answers = raters.answers_for(dataset.class_names)
    numbers = {name: number for number, name in enumerate(answers)}
    given = [numbers.get(votes.get(each, "")) for each in keys]
    start = given.index(None) if None in given else len(keys)
    place = min(sent.place if sent else start, len(keys))
    annotator(
        [(name, color) for name, color in zip(answers, _colors(dataset, answers), strict=True)],
        _faces(dataset, positions, given, place),
        key,
        start=start,
        total=len(keys),
        answered=len(given) - given.count(None),
        saved=saved,
    )
    st.caption(
        "Keys: digits choose an expression, 9 “cannot tell”, 0 “no face”; ← and → move between "
        "faces; U or Backspace undoes the last answer."
    )


def _faces(
    dataset: Dataset, positions: list[int], given: list[int | None], place: int
) -> list[Face]:
    """Returns the faces around a place: at least eight ahead of it, more if they are small."""
    faces, size = list[Face](), 0
    for number in range(max(0, place - _BEHIND), min(len(positions), place + _AHEAD)):
        if size > _MOST_BYTES and number > place + 8:
            break
        faces.append(Face(number, _face(dataset, positions[number]), given[number]))
        size += len(faces[-1].jpeg)
    return faces


def _save(dataset: Dataset, rater: str, keys: list[Key], sent: Sent | None) -> tuple[str, int]:
    """Saves what the browser has sent; returns its name and its last press that is saved.

    Shows an error if it cannot be saved; the browser keeps it then, and sends it again.

    Raises:
        FerError: a press is of no face or answer of the sample, or the votes cannot be read.
    """
    if sent is None or not sent.presses:
        return sent.client if sent else "", 0
    answers = raters.answers_for(dataset.class_names)
    votes = []
    for press in sent.presses:
        if press.place >= len(keys) or (press.answer or 0) >= len(answers):
            raise FerError("The sample or the classes have changed. Reload the page.")
        answer = None if press.answer is None else answers[press.answer]
        votes.append(
            raters.Vote(*keys[press.place], answer, raters.now(), f"{sent.client}-{press.number}")
        )
    if not {vote.id for vote in votes} <= raters.read_rater(dataset, rater).ids:
        try:
            raters.add_votes(dataset, {rater: votes})
        except (FerError, OSError) as error:
            st.error(f"The last votes are not saved yet. {plain(str(error))}")
            return sent.client, 0
    return sent.client, max(press.number for press in sent.presses)


@st.cache_data(max_entries=16, show_spinner=False)
def _order(
    name: str, index: Stamp, drawn: Stamp, sample: str, rater: str
) -> tuple[list[Key], list[int]]:
    """Returns keys and positions of a sample's images in a rater's order; lost ones are left out.

    Raises:
        FerError: the sample cannot be read.
    """
    dataset = open_cached(name)
    keys = raters.read_sample(dataset, sample).order_for(rater, sample)
    found = positions_of(dataset.stored_index, keys)
    left = [key for key in keys if key in found]
    return left, [found[key][0] for key in left]


def _colors(dataset: Dataset, answers: tuple[str, ...]) -> list[str]:
    colors = list(expressions.colors(dataset.class_names))
    return [*colors, *[_GRAY] * (len(answers) - len(colors))]


def _face(dataset: Dataset, position: int) -> bytes:
    """Returns a face as a JPEG; empty if it is missing or damaged."""
    try:
        return _jpeg(dataset.name, dataset.stored_index["content"].iloc[position], position)
    except FerError:  # not cached: the file may come back
        return b""


@st.cache_data(max_entries=1000, show_spinner=False)
def _jpeg(name: str, content: str, position: int) -> bytes:
    return vision.encode(open_cached(name).reader.reduced(position, _reduce), "JPEG")


def _reduce(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    factor = min(1.0, _PIXELS / max(height, width))
    return vision.resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
