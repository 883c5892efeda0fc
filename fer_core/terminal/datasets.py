"""Commands that add data sets: draw, import."""

import argparse
from pathlib import Path
from typing import Any

from fer_core import paths, queue, tasks
from fer_core.datasets import open_dataset
from fer_core.terminal.saying import follow, say


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


def _do(kind: str, arguments: dict[str, Any]) -> int:
    directory = tasks.new_directory(paths.tasks_root(), kind)
    return follow(queue.submit(directory, kind, arguments))
