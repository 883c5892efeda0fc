"""The Agreement mode: how well raters agree, on what they differ, and what follows from it."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import expressions
from fer_core.datasets import Corrections, Dataset, raters
from fer_core.datasets.raters import Agreement, Interval, Ratings
from fer_core.errors import FerError
from fer_core.storage import Stamp, stamp
from fer_core.text import counted
from pages.components.datasets.table_import import show_table_import
from pages.components.shared.confirmation import ask_before
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.dataset_cache import open_cached, thumbnail
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_toast
from pages.components.shared.face_dialog import show_face
from pages.components.shared.formatting import plain
from pages.components.shared.gallery import Bar, Tile, gallery

RATERS, FERPLUS = "Raters", "FER+"
DISPUTED, MISLABELED = "Most disputed", "Label differs from the majority"
_FLEISS, _ALPHA, _COHEN = "Fleiss' kappa", "Krippendorff's α", "Cohen's kappa"
_MEASURES = {
    _FLEISS: "Agreement of any two votes on an image, beyond chance.",
    _ALPHA: "Like Fleiss' kappa, for images with any number of votes; corrected for few images.",
    _COHEN: "Agreement of two raters beyond chance, given how often each of them uses an answer.",
}
_PER_PAGE = 24
_GRAY = "#8a8a8a"


@st.cache_resource(max_entries=8, show_spinner="Comparing the votes …")
def _ratings(name: str, index: Stamp, votes: tuple[Stamp, ...], source: str) -> Ratings:
    dataset = open_cached(name)
    return raters.read_ratings(dataset) if source == RATERS else raters.ferplus_ratings(dataset)


@st.cache_resource(max_entries=8, show_spinner="Comparing the votes …")
def _agreement(
    name: str, index: Stamp, votes: tuple[Stamp, ...], source: str
) -> tuple[Agreement, pd.DataFrame, pd.DataFrame, tuple[int, float, Interval, np.ndarray]]:
    dataset, ratings = open_cached(name), _ratings(name, index, votes, source)
    return (
        raters.agreement(dataset, ratings),
        raters.pairs_of_raters(dataset, ratings),
        raters.raters_against_majority(dataset, ratings),
        raters.labels_against_majority(dataset, ratings),
    )


def show_agreement(dataset: Dataset, source: str, page_corrections: Corrections | None) -> None:
    """Shows how well the votes agree, and the images on which they differ.

    Args:
        page_corrections: those shown by the surrounding page, which reruns when they change.
    """
    names = raters.rater_names(dataset)
    votes = tuple(stamp(raters.votes_file(dataset, name)) for name in names)
    key = dataset.name, stamp(dataset.directory / "index.csv"), votes, source
    try:
        ratings = _ratings(*key)
    except FerError as error:
        st.error(plain(str(error)))
        return
    for note in ratings.notes:
        st.warning(plain(note))
    if not len(ratings):
        st.info("There are no votes yet. Annotate some faces, or import votes.")
    else:
        found, pairs, single, labels = _agreement(*key)
        _show_summary(ratings, found, pairs)
        _show_tables(found, pairs, single)
        _show_labels(dataset, ratings, labels)
        _show_gallery(dataset, ratings, labels[-1], page_corrections)
    if source == RATERS:
        _offer_files(dataset, bool(names))


def _show_summary(ratings: Ratings, found: Agreement, pairs: pd.DataFrame) -> None:
    whose = counted(len(ratings.raters), "rater") if ratings.raters else "raters without names"
    st.markdown(
        f"{counted(ratings.votes, 'vote')} of {whose} on {counted(len(ratings), 'image')}; "
        f"{found.images:,} of these images have two votes or more."
    )
    if not found.images:
        st.info("Agreement needs images that two raters have labeled.")
        return
    measures = {_FLEISS: found.fleiss, _ALPHA: found.alpha}
    if len(pairs) == 1:
        measures[_COHEN] = Interval(*pairs.iloc[0][["kappa", "low", "high"]])
    with st.container(horizontal=True):
        for name, measure in measures.items():
            st.metric(
                name,
                _number(measure.value),
                f"{_span(measure)} (95%)",
                delta_color="off",
                delta_arrow="off",
                width="content",
                help=_MEASURES[name],
            )
    said = (
        "1: the raters always agree; 0: as often as by chance. The intervals are bootstrapped over "
        f"{counted(found.units, found.unit.removesuffix('s'))}."
    )
    if not ratings.raters:
        said += (
            " FER+ tells how many raters gave each answer, not who: that suffices for these two, "
            "but not for Cohen's kappa of pairs."
        )
    st.caption(said)


def _show_tables(found: Agreement, pairs: pd.DataFrame, single: pd.DataFrame) -> None:
    percent = st.column_config.NumberColumn(format="percent")
    number = st.column_config.NumberColumn(format="%.3f")
    columns = {
        **dict.fromkeys(("Share", "Agreement"), percent),
        **dict.fromkeys(("Kappa", "Low", "High"), number),
    }
    answers = found.answers[found.answers["votes"] > 0].reset_index()
    tables = {
        "By answer": (
            answers,
            "Agreement: the probability that another vote on the image is that answer, if one is.",
        ),
        "Pairs of raters": (pairs, "Cohen's kappa with its 95% interval."),
        "Each rater against the others": (
            single,
            "Cohen's kappa with the majority of the other raters, where there is one.",
        ),
    }
    for title, (table, note) in tables.items():
        if len(table):
            with st.expander(title, expanded=title == "By answer" and not len(pairs)):
                shown = table.rename(columns=lambda name: str(name).capitalize())
                st.dataframe(shown, hide_index=True, column_config=columns, height="content")
                st.caption(note)


def _show_labels(
    dataset: Dataset, ratings: Ratings, labels: tuple[int, float, Interval, np.ndarray]
) -> None:
    images, share, kappa, differing = labels
    if not images:
        return
    st.markdown(
        f"**Labels against the majority**: on {counted(images, 'image')}, more than half of the "
        f"votes agree on an expression. It is the label of {share:.1%} of them (Cohen's kappa "
        f"{_number(kappa.value)}, 95% interval {_span(kappa)})."
    )
    if ratings.raters:
        st.caption(
            f"Training with “Labels: Raters' majority” uses these {images:,} labels and leaves out "
            f"{counted(len(ratings) - images, 'image')} without one: ties, “cannot tell” and “no "
            "face”. Images without votes keep their label. The votes can also be soft targets "
            "(“FER+ votes” on the Train page)."
        )
    if len(differing) and ratings.raters:
        ask_before(
            partial(run_or_toast, partial(_relabel, dataset, ratings, differing)),
            lambda: (
                f"Relabels {counted(len(differing), 'image')} as the majority of their raters "
                "says. The Corrections tab lists them and can undo it."
            ),
            key=f"majority-{dataset.name}",
            confirm="Save as corrections",
            label="Correct by the majority …",
            icon=":material/edit:",
        )


def _relabel(dataset: Dataset, ratings: Ratings, rows: np.ndarray) -> None:
    answers = ratings.counts[rows].argmax(axis=1)
    for answer in np.unique(answers):
        chosen = ratings.positions[rows[answers == answer]].tolist()
        dataset.relabel(chosen, ratings.answers[answer])


def _show_gallery(
    dataset: Dataset,
    ratings: Ratings,
    mislabeled: np.ndarray,
    page_corrections: Corrections | None,
) -> None:
    chosen = st.segmented_control(
        "Images",
        [DISPUTED, MISLABELED],
        default=DISPUTED,
        required=True,
        key=f"disputed-{dataset.name}",
        label_visibility="collapsed",
    )
    rows = ratings.most_disputed() if chosen == DISPUTED else mislabeled
    if not len(rows):
        st.success("None.", icon=":material/check:")
        return
    pages = -(-len(rows) // _PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center"):
        page = st.pagination(pages, key=f"disputed-page-{dataset.name}-{chosen}-{len(rows)}")
        st.caption(counted(len(rows), "image"), width="content")
    shown = rows[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    tiles = [_tile(dataset, ratings, int(row)) for row in shown]
    pressed = gallery(tiles, key=f"disputed-gallery-{dataset.name}", min_width=150)
    place = np.flatnonzero(ratings.positions[rows] == pressed)
    if len(place):
        show_face(dataset, ratings.positions[rows], int(place[0]))
    elif page_corrections is not None and corrections_or_empty(dataset) != page_corrections:
        st.rerun()


def _tile(dataset: Dataset, ratings: Ratings, row: int) -> Tile:
    position = int(ratings.positions[row])
    label = str(dataset.stored_index["expression"].iloc[position])
    colors = dict(zip(dataset.class_names, expressions.colors(dataset.class_names), strict=True))
    counts = ratings.counts[row]
    total = int(counts.sum())
    bars = tuple(
        Bar(name, int(number) / total, colors.get(name, _GRAY), strong=name == label)
        for name, number in sorted(
            zip(ratings.answers, counts.tolist(), strict=True), key=lambda pair: -pair[1]
        )
        if number
    )
    said = " · ".join(f"{who}: {answer}" for who, answer in ratings.votes_on(row)) or label
    return Tile(thumbnail(dataset, position), said, colors.get(label, _GRAY), position, bars=bars)


def _offer_files(dataset: Dataset, has_votes: bool) -> None:
    if has_votes:
        offer_download(
            "Download votes",
            partial(raters.export_votes, dataset),
            f"{dataset.name}-votes.csv",
            "text/csv",
            key=f"votes-file-{dataset.name}",
        )
    show_table_import(
        f"import-votes-{dataset.name}",
        "vote",
        "Columns: rater, path, row, answer and optional time, as in the file downloaded here. "
        "A vote replaces that of the same rater on the same image.",
        lambda data, _: raters.import_votes(dataset, data),
    )


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _span(measure: Interval) -> str:
    return f"{_number(measure.low)} to {_number(measure.high)}"
