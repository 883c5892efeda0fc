"""Commands for datasets: draw, import, corrections."""

import argparse
from pathlib import Path
from typing import Any

from fer_core import datasets, tasks
from fer_core.cli.console import echo, echo_lines, follow
from fer_core.cli.import_choices import add_choices, add_mapping, parse_choices, show_preview
from fer_core.datasets import MAX_CORRECTIONS_BYTES, change_mapping, free_name, open_dataset
from fer_core.datasets.importing import check_source
from fer_core.storage import paths, read_text, write_text
from fer_core.tasks import kinds, queue


def add_commands(commands: Any) -> None:
    """Adds the commands to the parser."""
    _add_draw(commands)
    importing = commands.add_parser(
        "import",
        help="add a dataset from a folder, an archive (.zip, .tar, .tar.gz, .7z) or a table",
    )
    importing.add_argument("source", type=Path)
    importing.add_argument("--name", help="default: the name of the folder or file")
    importing.add_argument(
        "--validation-fraction",
        type=float,
        default=0.1,
        help="of the training images, if the source has no validation split (default: 0.1)",
    )
    importing.add_argument(
        "--test-fraction",
        type=float,
        default=0.0,
        help="of the training images, if the source has no test split (default: 0, none)",
    )
    importing.add_argument("--split-seed", type=int, default=0)
    importing.add_argument(
        "--preview", action="store_true", help="show how it would be read, and add nothing"
    )
    add_choices(importing)
    importing.set_defaults(command=_import)
    labels = commands.add_parser(
        "labels", help="change what the classes and splits of a dataset mean, after its import"
    )
    labels.add_argument("dataset")
    add_mapping(labels)
    labels.set_defaults(command=_labels)
    _add_corrections(
        commands.add_parser(
            "corrections", help="show, import or export the corrections of a dataset"
        )
    )
    _add_corrections(commands.add_parser("overlay"))  # the old name; without help it is not listed


def _add_draw(commands: Any) -> None:
    draw = commands.add_parser("draw", help="generate a dataset of drawn faces")
    draw.add_argument("name")
    draw.add_argument("--count", type=int, default=2100, help="number of images (default: 2100)")
    draw.add_argument("--seed", type=int, default=0)
    draw.add_argument(
        "--subjects",
        type=int,
        default=0,
        help="of how many people, each with all expressions (default: 0, all different)",
    )
    draw.set_defaults(command=_draw)


def _add_corrections(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset")
    parser.add_argument(
        "--import",
        type=Path,
        dest="source",
        metavar="FILE",
        help="import the corrections in this .csv file; those of other images stay",
    )
    parser.add_argument(
        "--export",
        type=Path,
        dest="target",
        metavar="FILE",
        help="export all corrections to this .csv file",
    )
    parser.set_defaults(command=_corrections)


def _draw(options: argparse.Namespace) -> int:
    arguments = {name: getattr(options, name) for name in ("name", "count", "seed", "subjects")}
    return _run_task(kinds.DRAW, arguments)


def _import(options: argparse.Namespace) -> int:
    source = check_source(options.source)
    choices = parse_choices(options)
    if options.preview:
        show_preview(source, choices)
        return 0
    name = options.name or free_name(source.stem.removesuffix(".tar"))
    arguments = {
        "source": str(source),
        "name": name,
        "validation_fraction": options.validation_fraction,
        "test_fraction": options.test_fraction,
        "split_seed": options.split_seed,
        "choices": choices.as_record(),
    }
    code = _run_task(kinds.IMPORT, arguments)
    if code == 0:
        if not options.name:
            echo(f"Added as {name}.")
        _echo_dataset(open_dataset(name))
    return code


def _labels(options: argparse.Namespace) -> int:
    choices = parse_choices(options)
    dataset = open_dataset(options.dataset)
    if choices.as_record():
        dataset = change_mapping(options.dataset, choices)
    _echo_dataset(dataset)
    return 0


def _echo_dataset(dataset: datasets.Dataset) -> None:
    """Prints the notes and the images per expression and split."""
    for note in dataset.notes:
        echo(note)
    echo_lines(dataset.counts().to_string())


def _corrections(options: argparse.Namespace) -> int:
    dataset = open_dataset(options.dataset)
    if options.source is not None:
        text = read_text(options.source, max_bytes=MAX_CORRECTIONS_BYTES)
        echo(f"{dataset.import_corrections(text):,} imported.")
    corrections = dataset.saved_corrections
    if options.target is not None:
        write_text(options.target, corrections.to_export())
    echo(f"{dataset.name}: {datasets.describe_corrections(corrections) or 'no corrections'}.")
    if kept := datasets.describe_confirmed(corrections):
        echo(f"{kept}.")
    if corrections:
        echo_lines(dataset.with_corrections(corrections).counts().to_string())
    return 0


def _run_task(kind: str, arguments: dict[str, Any]) -> int:
    directory = tasks.new_directory(paths.tasks_root(), kind)
    return follow(queue.submit(directory, kind, arguments))
