"""Offers the report on a run or an experiment as one file."""

from collections.abc import Callable

import streamlit as st

from fer_core import reports
from fer_core.experiments import Experiment
from fer_core.runs import Run
from pages.components.shared.downloads import offer_download
from pages.components.shared.formatting import file_name


def offer_report(run: Run) -> None:
    """Shows buttons that make the report as HTML or PDF, with faces only if they are asked for."""
    with st.container(horizontal=True, vertical_alignment="center"):
        faces = st.checkbox(
            "With faces",
            key=f"report-faces-{run.id}",
            help="Shows the images of the most confident mistakes. Otherwise no image of the "
            "dataset is in the report.",
        )
        _offer(run.id, lambda: reports.run_html(run, faces=faces))


def offer_experiment_report(experiment: Experiment) -> None:
    """Shows buttons that make the report as HTML or PDF; no face is in it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        _offer(experiment.id, lambda: reports.experiment_html(experiment))


def _offer(name: str, make: Callable[[], str]) -> None:
    offer_download(
        "Report (HTML)",
        make,
        file_name(name, "-report.html"),
        "text/html",
        key=f"report-html-{name}",
        icon=":material/lab_profile:",
        help="Data, settings, scores with intervals, mistakes, calibration and how to "
        "reproduce them, in one file that opens without a network.",
    )
    offer_download(
        "Report (PDF)",
        lambda: reports.to_pdf(make()),
        file_name(name, "-report.pdf"),
        "application/pdf",
        key=f"report-pdf-{name}",
        icon=":material/picture_as_pdf:",
        disabled=not reports.has_printer(),
        help=None if reports.has_printer() else reports.NO_PRINTER,
    )
