"""Shows the means around the markers of a batch, and adds markers when it has ended."""

from functools import partial
from pathlib import Path

import streamlit as st

from fer_core import batches
from fer_core.batches import Batch, BatchResults
from fer_core.storage import export_csv
from pages.components.predict.markers.tables import LONGEST_WINDOW, show_rounded, upload_table
from pages.components.shared.access import writing
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.formatting import file_name


def show_batch_markers(batch: Batch, results: BatchResults) -> None:
    """Shows the means before and after each marker, and fields for other markers."""
    with st.expander("Markers and baseline", icon=":material/flag:", key=f"marks-{batch.id}"):
        show_reported_errors()
        if results.has_markers:
            _show_means(batch, results)
        _show_upload(batch, results)


def _show_means(batch: Batch, results: BatchResults) -> None:
    table = results.markers
    show_rounded(table)
    said = (
        f"Mean probabilities {results.marks.window:g} s before and after each marker, of the "
        "single frames, and their change."
    )
    if results.marks.has_baseline:
        said += " In the last columns **a baseline is subtracted**."
    st.caption(said)
    ending = "-minus-baseline" if results.marks.has_baseline else ""
    offer_download(
        "Download means (CSV)",
        partial(export_csv, table),
        file_name(f"{Path(batch.name).stem}-markers", f"{ending}.csv"),
        "text/csv",
        key=f"means-{batch.id}",
    )


def _show_upload(batch: Batch, results: BatchResults) -> None:
    """Shows fields that replace all markers, excluded ranges and baselines of the table."""
    key = f"markers-{batch.id}"
    number = st.session_state.setdefault(key, 0)
    file = upload_table(
        "Other markers and excluded ranges (CSV)",
        f"{key}-{number}",
        "Replaces those of the earlier table. Columns as when a batch begins.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = st.number_input(
            "Window (seconds)",
            0.1,
            LONGEST_WINDOW,
            min(LONGEST_WINDOW, max(0.1, results.marks.window)),
            0.5,
            width=160,
            key=f"window-{key}",
        )
        baseline = st.text_input(
            "Baseline", key=f"baseline-{key}", width=240, placeholder="0-5, or a file"
        )
        st.button(
            "Apply",
            key=f"apply-{key}",
            on_click=_apply,
            args=(batch, results, file.getvalue() if file else None, baseline.strip(), window),
            **writing(
                help="Computes the summaries and means again, without processing the videos again."
            ),
        )


def _apply(
    batch: Batch, results: BatchResults, table: bytes | None, baseline: str, window: float
) -> None:
    def apply() -> None:
        batches.mark_batch(batch, results.results, table, baseline=baseline, window=window)

    if run_or_report(apply):
        st.session_state[f"markers-{batch.id}"] += 1  # a new, empty field
