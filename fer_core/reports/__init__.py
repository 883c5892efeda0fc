"""Reports of runs: one HTML file with all that a reader needs to judge the result, or a PDF."""

from fer_core.reports.page import render
from fer_core.reports.parts import Report, Section, Table
from fer_core.reports.pdf import NO_PRINTER, has_printer, to_pdf
from fer_core.reports.run_report import report_on, run_html

__all__ = [
    "NO_PRINTER",
    "Report",
    "Section",
    "Table",
    "has_printer",
    "render",
    "report_on",
    "run_html",
    "to_pdf",
]
