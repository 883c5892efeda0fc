"""Reports on runs and experiments: one file with all that a reader needs to judge them."""

from fer_core.reports.experiment_report import experiment_html, report_on_experiment
from fer_core.reports.page import render
from fer_core.reports.parts import Report, Section, Table
from fer_core.reports.pdf import NO_PRINTER, has_printer, to_pdf
from fer_core.reports.run_report import report_on, run_html

__all__ = [
    "NO_PRINTER",
    "Report",
    "Section",
    "Table",
    "experiment_html",
    "has_printer",
    "render",
    "report_on",
    "report_on_experiment",
    "run_html",
    "to_pdf",
]
