"""Renders a report as one HTML file that needs neither a network nor a script."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fer_core.reports.parts import Report

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).parent


def render(report: Report) -> str:
    """Returns the HTML of a report, in which all texts are escaped."""
    return _template().render(report=report)


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")
