"""The command that makes a network one of those that ship with the program."""

import argparse
from pathlib import Path
from typing import Any

from fer_core.cli.console import say
from fer_core.cli.runs import find_run


def add_commands(commands: Any) -> None:
    """Adds it to the parser."""
    ship = commands.add_parser("ship", help="put a finished run among those that ship")
    ship.add_argument("run", help="the run's id, or how it begins")
    ship.add_argument("name", help="the id that it gets")
    ship.add_argument("--title", required=True, help="what it is called in the lists")
    ship.add_argument("--notes", type=Path, help="for its card, Markdown: what no file tells")
    ship.add_argument(
        "--seeds", nargs="+", default=[], metavar="RUN", help="the same settings, other seeds"
    )
    ship.set_defaults(command=_ship)


def _ship(options: argparse.Namespace) -> int:
    from fer_core.training import publish_pretrained

    notes = options.notes.read_text(encoding="utf-8") if options.notes else ""
    seeds = [find_run(seed) for seed in options.seeds]
    shipped = publish_pretrained(
        find_run(options.run), options.name, options.title, notes=notes, seeds=seeds
    )
    say(str(shipped.directory))
    return 0
