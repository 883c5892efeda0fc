"""Commands that add and correct data sets: draw, import, overlay."""

import argparse
from pathlib import Path
from typing import Any

from fer_core import datasets, tasks
from fer_core.cli.console import follow, say
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.storage import paths, write_text
from fer_core.tasks import queue


def add_commands(commands: Any) -> None:
    """Adds them to the parser."""
    draw = commands.add_parser("draw", help="draw a data set of schematic faces")
    draw.add_argument("name")
    draw.add_argument("--count", type=int, default=2100)
    draw.add_argument("--seed", type=int, default=0)
    draw.set_defaults(command=_draw)
    importing = commands.add_parser("import", help="add a data set: a folder, a .zip or a .csv")
    importing.add_argument("source", type=Path)
    importing.add_argument("--name", help="by default that of the folder or file")
    importing.add_argument("--validation-fraction", type=float, default=0.1)
    importing.add_argument("--test-fraction", type=float, default=0.0)
    importing.add_argument("--split-seed", type=int, default=0)
    importing.set_defaults(command=_import)
    overlay = commands.add_parser("overlay", help="corrections of a data set: show, take, give")
    overlay.add_argument("dataset")
    overlay.add_argument(
        "--import",
        type=Path,
        dest="source",
        metavar="FILE",
        help="take over the corrections in this .csv file; those of other images stay",
    )
    overlay.add_argument(
        "--export", type=Path, dest="target", metavar="FILE", help="write all into this .csv file"
    )
    overlay.set_defaults(command=_overlay)


def _draw(options: argparse.Namespace) -> int:
    arguments = {"name": options.name, "count": options.count, "seed": options.seed}
    return _do("draw", arguments)


def _import(options: argparse.Namespace) -> int:
    arguments = {
        "source": str(options.source.expanduser().resolve()),
        "name": options.name or options.source.stem,
        "validation_fraction": options.validation_fraction,
        "test_fraction": options.test_fraction,
        "split_seed": options.split_seed,
    }
    code = _do("import", arguments)
    if code == 0:
        dataset = open_dataset(arguments["name"])
        say("\n".join([*dataset.notes, dataset.counts().to_string()]))
    return code


def _overlay(options: argparse.Namespace) -> int:
    dataset = open_dataset(options.dataset)
    if options.source is not None:
        try:
            text = options.source.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise FerError(f"{options.source} must be text in UTF-8: {error}") from error
        say(f"{dataset.import_corrections(text):,} taken over.")
    overlay = dataset.saved_corrections
    if options.target is not None:
        write_text(options.target, overlay.to_csv())
    say(f"{dataset.name}: {datasets.describe_corrections(overlay) or 'no corrections'}.")
    if kept := datasets.describe_confirmed(overlay):
        say(f"{kept}.")
    if overlay:
        say(dataset.with_corrections(overlay).counts().to_string())
    return 0


def _do(kind: str, arguments: dict[str, Any]) -> int:
    directory = tasks.new_directory(paths.tasks_root(), kind)
    return follow(queue.submit(directory, kind, arguments))
