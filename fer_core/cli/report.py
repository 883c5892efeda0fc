"""The command that reports on a run or an experiment: report."""

import argparse
from pathlib import Path
from typing import Any

from fer_core.cli.console import RUN_HELP, echo
from fer_core.cli.experiments import find_experiment
from fer_core.cli.runs import find_run
from fer_core.errors import FerError
from fer_core.experiments import Experiment, list_experiments
from fer_core.reports import experiment_html, run_html, to_pdf
from fer_core.runs import Run
from fer_core.storage import write_text


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    report = commands.add_parser(
        "report", help="write all that a reader needs to judge a run or experiment into one file"
    )
    report.add_argument("run", metavar="RUN", help=f"{RUN_HELP}; or that of an experiment")
    report.add_argument(
        "--out", type=Path, metavar="FILE", help="default: RUN.html or RUN.pdf here"
    )
    report.add_argument("--pdf", action="store_true", help="write a PDF instead of HTML")
    report.add_argument(
        "--faces", action="store_true", help="show the faces of the most confident mistakes"
    )
    report.set_defaults(command=_report)


def _find(prefix: str) -> Run | Experiment:
    """Returns a run or an experiment by its ID, or by the beginning of it.

    Raises:
        FerError: there is none, or there are several.
    """
    known = [each.id for each in list_experiments()]
    if prefix in known:
        return find_experiment(prefix)  # its runs' IDs begin with its own
    try:
        return find_run(prefix)
    except FerError:
        if prefix and any(each.startswith(prefix) for each in known):
            return find_experiment(prefix)
        raise


def _report(options: argparse.Namespace) -> int:
    found = _find(options.run)
    is_pdf = options.pdf or (options.out is not None and options.out.suffix.lower() == ".pdf")
    if isinstance(found, Run):
        html = run_html(found, faces=options.faces)
    else:
        html = experiment_html(found)
    target = options.out or Path(f"{found.id}.{'pdf' if is_pdf else 'html'}")
    if is_pdf:
        target.write_bytes(to_pdf(html))
    else:
        write_text(target, html)
    echo(str(target))
    return 0
