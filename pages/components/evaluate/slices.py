"""Shows scores by slices of the images, and the images of a slice."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import evaluation
from fer_core.datasets.metadata import METADATA_FILE
from fer_core.datasets.quality import scan_result_file
from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport, slices
from fer_core.evaluation.slices import MIN_IMAGES, SliceColumn, SliceColumns, SliceReport
from fer_core.figures import MAX_DRAWN_SLICES, slice_figure
from fer_core.storage import Stamp, export_csv, stamp
from pages.components.evaluate.prediction_gallery import show_answers
from pages.components.shared.downloads import offer_download
from pages.components.shared.formatting import file_name, plain
from pages.components.shared.predictions_cache import LocatedImages, Subject, locate_images

_HELP = (
    "Scores on parts of the images: by a column of the dataset, by metadata that was joined from "
    "a table, or by a measured property such as brightness."
)
_MOST_IMAGES = 100_000  # that a slice can be asked to have
_SCORES = {"accuracy": "Accuracy", "recall": "Recall (macro)", "f1": "F1 (macro)"}
_SHORT = {"recall": "recall", "f1": "F1"}
_MEANS = {
    "accuracy": "Share of correct predictions.",
    "recall": "Mean recall of the expressions that have images in the slice.",
    "f1": "Mean F1 of the expressions that have images in the slice.",
}

Cut = tuple[int | None, tuple[float, ...]]  # bins, borders


@st.fragment
def show_slices(subject: Subject, found: EvaluationReport) -> None:
    """Shows a table, a figure and the images of the selected slice, computed on request."""
    st.subheader("Slices", anchor=False, help=_HELP)
    if not st.toggle("Compare slices of the images", key=f"show-slices-{subject.key}"):
        return
    columns = _columns_of(subject, found)
    if not columns.columns:
        st.info("The images do not differ in any column that is known.", icon=":material/info:")
    else:
        try:
            report = _choose_report(subject, found, columns)
        except FerError as error:
            st.warning(plain(str(error)), icon=":material/content_cut:")
        else:
            _show_report(subject, found, report)
    _show_missing(columns)


def _show_missing(columns: SliceColumns) -> None:
    """Says which columns could be there, and where to get them."""
    if not columns.missing:
        return
    st.caption(plain(" ".join(columns.missing)))
    st.page_link("pages/datasets.py", label="Datasets", icon=":material/arrow_forward:")


def _choose_report(subject: Subject, found: EvaluationReport, columns: SliceColumns) -> SliceReport:
    """Shows the choice of a column and how to cut it; returns the scores."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Slice by", list(columns.columns), key=f"slice-by-{subject.key}", width=260
        )
        bins, borders = _cut_fields(subject, columns.columns[name], name)
        minimum = st.number_input(
            "Minimum images",
            min_value=2,
            max_value=_MOST_IMAGES,
            value=MIN_IMAGES,
            key=f"slice-minimum-{subject.key}",
            help="Nothing is claimed about a slice with fewer.",
            width=160,
        )
    cut = bins, slices.parse_borders(borders)  # once all fields are drawn, which keeps their values
    return _report(subject, _stamps(subject, found), name, cut, minimum, found, columns)


def _cut_fields(subject: Subject, column: SliceColumn, name: str) -> tuple[int | None, str]:
    """Shows how a column of numbers is cut; returns the number of slices and the borders."""
    if not column.is_number:
        return None, ""
    bins = st.number_input(
        "Slices",
        min_value=2,
        max_value=20,
        value=None,
        placeholder="auto",
        key=f"slice-bins-{subject.key}-{name}",
        help="Cuts the numbers into as many slices of about as many images: by default three, or "
        "one per value if there are few values.",
        width=110,
    )
    borders = st.text_input(
        "Borders",
        placeholder="such as 18, 30, 50",
        key=f"slice-borders-{subject.key}-{name}",
        help="Cuts the numbers here instead.",
        width=200,
    )
    return bins, borders


def _show_report(subject: Subject, found: EvaluationReport, report: SliceReport) -> None:
    said = (slices.describe_gap(report), slices.describe_differing(report))
    st.markdown(plain(" ".join(filter(None, said))))
    for note in (report.slices.note, slices.describe_skipped(report)):
        if note:
            st.caption(plain(note))
    key = f"{subject.key}-{report.slices.column}"
    chosen = _chosen(key, report)
    _show_table(key, report)
    if report.table["accuracy"].notna().any():
        chart, images = st.columns([6, 5], gap="large")
        with chart:
            _show_figure(key, found, report, chosen)
    else:  # nothing to draw
        images = st.container()
    with images:
        _show_images(subject, found, report, chosen)
    st.caption(plain(f"{slices.describe_method(report)} {slices.CAVEAT}"))
    offer_download(
        "Download slices",
        lambda: export_csv(report.table.drop(columns="code")),
        file_name(f"{key}-slices", ".csv"),
        "text/csv",
        key=f"slices-file-{key}",
    )


def _chosen(key: str, report: SliceReport) -> int | None:
    """Returns the code of the slice whose images are shown; None if it is not there anymore."""
    name = st.session_state.get(_chosen_key(key))
    codes = report.table.loc[report.table["slice"] == name, "code"]
    return int(codes.iloc[0]) if len(codes) else None


def _chosen_key(key: str) -> str:
    return f"chosen-slice-{key}"


def _show_table(key: str, report: SliceReport) -> None:
    """Shows the scores; a click on a cell chooses its slice."""
    table = report.table
    shown = pd.DataFrame({"Slice": table["slice"], "Images": table["images"]})
    if report.subjects is not None:
        shown[report.noun[1].capitalize()] = table["subjects"]
    config = {"Slice": st.column_config.TextColumn(pinned=True)}
    for name, label in _SCORES.items():
        interval = "95 % interval" if name == "accuracy" else f"Interval, {_SHORT[name]}"
        shown[label], shown[interval] = 100 * table[name], _intervals(table, name)
        config[label] = st.column_config.NumberColumn(format="%.1f%%", help=_MEANS[name])
        if name == "accuracy":
            shown["Rest"], shown["p"] = 100 * table["rest"], table["corrected"]
    config["Rest"] = st.column_config.NumberColumn(
        format="%.1f%%", help="Accuracy on all other images."
    )
    config["p"] = st.column_config.NumberColumn(
        format="%.3g",
        help="How often chance alone makes such a difference from the rest; Holm-corrected.",
    )
    place = f"slice-table-{key}"
    st.dataframe(
        shown,
        hide_index=True,
        column_config=config,
        height="content" if len(shown) <= 12 else 460,
        placeholder="–",
        key=place,
        selection_mode="single-cell",
        on_select=partial(_take_row, place, key, tuple(table["slice"])),
    )
    st.caption("Worst first. Click a row or a dot to see its images.")


def _intervals(table: pd.DataFrame, name: str) -> list[str]:
    """Returns the intervals as text; of a slice with too few images, how many there are."""
    columns = (table[each] for each in ("enough", "images", f"{name}_low", f"{name}_high"))
    rows = zip(*columns, strict=True)
    return [
        f"too few: {images:,}"
        if not enough
        else ("–" if np.isnan(low) else f"{low:.1%} to {high:.1%}")
        for enough, images, low, high in rows
    ]


def _take_row(place: str, key: str, names: Sequence[str]) -> None:
    cells = st.session_state[place]["selection"]["cells"]
    if cells:  # none after a second click on the same cell, which stays chosen
        st.session_state[_chosen_key(key)] = names[int(cells[-1][0])]


def _show_figure(
    key: str, found: EvaluationReport, report: SliceReport, chosen: int | None
) -> None:
    drawn = int(report.table["accuracy"].notna().sum())
    place = f"slice-chart-{key}"
    names = dict(zip(report.table["code"], report.table["slice"], strict=True))
    st.plotly_chart(
        slice_figure(report.table, found.score.accuracy.value, chosen),
        key=place,
        on_select=partial(_take_dot, place, key, names),
        selection_mode="points",
        config={"displayModeBar": False},
    )
    if drawn > MAX_DRAWN_SLICES:
        st.caption(f"The {MAX_DRAWN_SLICES} worst of {drawn:,} slices.")


def _take_dot(place: str, key: str, names: dict[int, str]) -> None:
    points = st.session_state[place]["selection"]["points"]
    if points:
        st.session_state[_chosen_key(key)] = names[int(points[-1]["customdata"][0])]


def _show_images(
    subject: Subject, found: EvaluationReport, report: SliceReport, chosen: int | None
) -> None:
    if chosen is None:
        return
    rows = report.rows_of(chosen)
    table = found.calibrated.iloc[rows]
    wrong = int((table["predicted"] != table["expression"]).sum())
    name = report.slices.names[chosen]
    st.markdown(
        f"**{len(rows):,}** images in “{plain(name)}”, {wrong:,} of them predicted wrong; largest "
        "error first."
    )
    key = f"slice-{report.slices.column}-{name}"
    show_answers(subject, found, rows[evaluation.choose(table, None, None)], key, place="slice")


def _columns_of(subject: Subject, found: EvaluationReport) -> SliceColumns:
    return _columns(subject, _stamps(subject, found), found)


def _images(subject: Subject, found: EvaluationReport) -> LocatedImages | None:
    try:
        return locate_images(subject, found)
    except FerError:  # the dataset is not on this machine, or cannot be read
        return None


def _stamps(subject: Subject, found: EvaluationReport) -> tuple[Stamp, ...]:
    """Returns what changes when a file changes that the slices depend on."""
    images = _images(subject, found)
    if images is None:
        return (stamp(subject.file),)
    folder = images.dataset.directory
    others = (folder / "index.csv", folder / METADATA_FILE, scan_result_file(images.dataset))
    return (stamp(subject.file), *map(stamp, others))


# What these hold changes with the stamps only.
_HASHED: dict[str | type, Callable[[Any], Any]] = {
    EvaluationReport: lambda found: "",
    SliceColumns: lambda columns: "",
}


@st.cache_resource(max_entries=4, show_spinner="Reading the columns …", hash_funcs=_HASHED)
def _columns(subject: Subject, stamps: tuple[Stamp, ...], found: EvaluationReport) -> SliceColumns:
    images = _images(subject, found)
    if images is None:
        return slices.slice_columns(found.calibrated, None)
    return slices.slice_columns(found.calibrated, images.dataset, images.positions)


@st.cache_resource(max_entries=8, show_spinner="Scoring the slices …", hash_funcs=_HASHED)
def _report(
    subject: Subject,
    stamps: tuple[Stamp, ...],
    name: str,
    cut: Cut,
    minimum: int,
    found: EvaluationReport,
    columns: SliceColumns,
) -> SliceReport:
    bins, borders = cut
    return slices.evaluate_slices(
        found.calibrated,
        found.class_names,
        slices.cut(columns.column(name), name, bins=bins, borders=borders),
        subjects=columns.subjects,
        noun=columns.noun,
        minimum=minimum,
    )
