"""The command that makes a run one of the pretrained models that ship with the program."""

import argparse
from pathlib import Path
from typing import Any

from fer_core.cli.console import RUN_HELP, echo
from fer_core.cli.runs import find_run


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    ship = commands.add_parser("ship", help="make a finished run a pretrained model")
    ship.add_argument("run", help=RUN_HELP)
    ship.add_argument("name", help="the model's ID")
    ship.add_argument("--title", required=True, help="the model's name in lists")
    ship.add_argument("--notes", type=Path, help="a Markdown file for the model card")
    ship.add_argument(
        "--seeds",
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs with the same settings and other seeds",
    )
    ship.set_defaults(command=_ship)


def _ship(options: argparse.Namespace) -> int:
    from fer_core.training import publish_pretrained

    notes = options.notes.read_text(encoding="utf-8") if options.notes else ""
    seeds = [find_run(seed) for seed in options.seeds]
    published = publish_pretrained(
        find_run(options.run), options.name, options.title, notes=notes, seeds=seeds
    )
    echo(str(published.directory))
    return 0
