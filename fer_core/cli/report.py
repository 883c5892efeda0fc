"""The command that reports on a run: report."""

import argparse
from pathlib import Path
from typing import Any

from fer_core.cli.console import RUN_HELP, echo
from fer_core.cli.runs import find_run
from fer_core.reports import run_html, to_pdf
from fer_core.storage import write_text


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    report = commands.add_parser(
        "report", help="write all that a reader needs to judge a run into one file"
    )
    report.add_argument("run", help=RUN_HELP)
    report.add_argument(
        "--out", type=Path, metavar="FILE", help="default: RUN.html or RUN.pdf here"
    )
    report.add_argument("--pdf", action="store_true", help="write a PDF instead of HTML")
    report.add_argument(
        "--faces", action="store_true", help="show the faces of the most confident mistakes"
    )
    report.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    is_pdf = options.pdf or (options.out is not None and options.out.suffix.lower() == ".pdf")
    html = run_html(run, faces=options.faces)
    target = options.out or Path(f"{run.id}.{'pdf' if is_pdf else 'html'}")
    if is_pdf:
        target.write_bytes(to_pdf(html))
    else:
        write_text(target, html)
    echo(str(target))
    return 0
