"""Offers the report on a run as one file."""

import streamlit as st

from fer_core import reports
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
        offer_download(
            "Report (HTML)",
            lambda: reports.run_html(run, faces=faces),
            file_name(run.id, "-report.html"),
            "text/html",
            key=f"report-html-{run.id}",
            icon=":material/lab_profile:",
            help="Data, settings, scores with intervals, mistakes, calibration and how to "
            "reproduce them, in one file that opens without a network.",
        )
        offer_download(
            "Report (PDF)",
            lambda: reports.to_pdf(reports.run_html(run, faces=faces)),
            file_name(run.id, "-report.pdf"),
            "application/pdf",
            key=f"report-pdf-{run.id}",
            icon=":material/picture_as_pdf:",
            disabled=not reports.has_printer(),
            help=None if reports.has_printer() else reports.NO_PRINTER,
        )
