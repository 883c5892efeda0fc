"""Commands for evidence by slices: join metadata to a dataset, score slices of an evaluation."""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.cli.console import RUN_HELP, echo, echo_lines
from fer_core.cli.runs import find_run
from fer_core.datasets import SPLITS, Dataset, open_dataset
from fer_core.datasets.metadata import (
    BY_FILE,
    BY_SUBJECT,
    MAX_METADATA_BYTES,
    Join,
    join_table,
    parse_table,
    propose_join,
    read_metadata,
    remove_metadata,
    save_metadata,
)
from fer_core.errors import FerError
from fer_core.evaluation import EVERYTHING, EvaluationReport, predictions_file, slices
from fer_core.evaluation.slices import MIN_IMAGES, SliceReport
from fer_core.runs import Run, read_predictions
from fer_core.storage import export_csv, paths, read_bytes, write_text
from fer_core.text import counted

_SCORES = ("accuracy", "recall", "f1")


def add_commands(commands: Any) -> None:
    """Adds the commands to the parser."""
    _add_metadata(
        commands.add_parser(
            "metadata",
            help="show or replace the metadata of a dataset: columns such as sex, age or camera",
        )
    )
    _add_slices(
        commands.add_parser(
            "slices",
            help="score a run by slices of the images, such as sex or brightness",
            description="Without --by, prints the columns that there are.",
        )
    )


def _add_metadata(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset")
    parser.add_argument(
        "table",
        type=Path,
        nargs="?",
        help="a CSV table with a column of files (path or name) or of subjects, and others",
    )
    parser.add_argument("--key", metavar="COLUMN", help="names the files or subjects")
    parser.add_argument(
        "--by", choices=(BY_FILE, BY_SUBJECT), help="what that column names (default: found out)"
    )
    parser.add_argument("--preview", action="store_true", help="save nothing")
    parser.add_argument("--remove", action="store_true", help="remove the dataset's metadata")
    parser.set_defaults(command=_metadata)


def _add_slices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help=RUN_HELP)
    parser.add_argument("--by", metavar="COLUMN")
    parser.add_argument(
        "--split",
        choices=(*SPLITS, EVERYTHING),
        help="default: val, or test with --dataset; it must have been evaluated before",
    )
    parser.add_argument("--dataset", help="of an evaluation on another dataset than the run's own")
    parser.add_argument("--bins", type=int, help="cut numbers into this many quantiles")
    parser.add_argument("--borders", default="", help='cut numbers here instead: "18, 30, 50"')
    parser.add_argument(
        "--minimum",
        type=int,
        default=MIN_IMAGES,
        help=f"images below which nothing is claimed about a slice (default: {MIN_IMAGES})",
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--csv", type=Path, help="write the table to this file")
    parser.set_defaults(command=_slices)


def _metadata(options: argparse.Namespace) -> int:
    dataset = open_dataset(options.dataset)
    if options.remove:
        remove_metadata(dataset)
    elif options.table is not None:
        _join(dataset, options)
    _echo_metadata(dataset)
    return 0


def _join(dataset: Dataset, options: argparse.Namespace) -> None:
    """Joins the table, prints a preview of it, and saves it unless asked not to."""
    table = parse_table(read_bytes(options.table, max_bytes=MAX_METADATA_BYTES))
    index = dataset.stored_index
    join = _wanted_join(table, index, dataset.name, options)
    joined = join_table(table, index, join, dataset.name)
    for sentence in joined.describe():
        echo(sentence)
    echo_lines(joined.first_rows.to_string(index=False, max_colwidth=30))
    if options.preview:
        echo("Nothing was saved.")
    else:
        save_metadata(dataset, joined)


def _wanted_join(
    table: pd.DataFrame, index: pd.DataFrame, name: str, options: argparse.Namespace
) -> Join:
    if options.key and options.by:
        return Join(options.key, options.by)
    columns = [options.key] if options.key else list(table.columns)
    if options.key and options.key not in table:
        raise FerError(f"--key must be a column of the table. Received: {options.key}")
    return propose_join(table[columns], index, name, by=options.by)


def _echo_metadata(dataset: Dataset) -> None:
    metadata = read_metadata(dataset.directory)
    if metadata is None:
        echo(f"{dataset.name} has no metadata.")
        return
    rows = counted(len(metadata.table), metadata.by)
    echo(f"{dataset.name} has metadata of {rows}: {', '.join(metadata.columns)}.")


def _slices(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    found, dataset_name = _evaluation(run, options.dataset, options.split)
    columns = slices.slice_columns(found.calibrated, _dataset(dataset_name))
    if options.by is None:
        if options.json:
            echo_lines(json.dumps({"columns": list(columns.columns)}, indent=2))
            return 0
        echo(f"--by takes one of: {', '.join(columns.columns) or 'nothing'}.")
        for sentence in columns.missing:
            echo(sentence)
        return 0
    cut = slices.cut(
        columns.column(options.by),
        options.by,
        bins=options.bins,
        borders=slices.parse_borders(options.borders),
    )
    report = slices.evaluate_slices(
        found.calibrated,
        found.class_names,
        cut,
        subjects=columns.subjects,
        noun=columns.noun,
        minimum=options.minimum,
    )
    if options.csv:
        write_text(options.csv, export_csv(report.table.drop(columns="code")))
    if options.json:
        echo_lines(json.dumps(slices.slice_record(report), indent=2, allow_nan=False))
    else:
        _echo_report(report)
    return 0


def _evaluation(run: Run, dataset: str | None, split: str | None) -> tuple[EvaluationReport, str]:
    """Returns a saved evaluation and the name of its dataset."""
    own = run.config.dataset
    if dataset in (None, own) and split in (None, "val", "test"):
        dataset, split = own, split or "val"
        predictions = run.predictions(split)
        command = f"python -m fer_core evaluate {run.id} --split {split}"
    else:
        dataset, split = dataset or own, split or "test"
        predictions = read_predictions(predictions_file(run, dataset, split))
        command = f"python -m fer_core evaluate {run.id} --dataset {dataset} --split {split}"
    if predictions is None or predictions.empty:
        raise FerError(
            f"{run.id} has no predictions for {split} of {dataset}. Make them with: {command}"
        )
    return EvaluationReport(predictions, run.class_names), dataset


def _dataset(name: str) -> Dataset | None:
    """Returns the dataset; None if it is not on this machine."""
    return open_dataset(name) if (paths.datasets_root() / name / "data_set.json").exists() else None


def _echo_report(report: SliceReport) -> None:
    table = report.table
    shown = pd.DataFrame({"slice": table["slice"], "images": table["images"]})
    if report.subjects is not None:
        shown[report.noun[1]] = table["subjects"]
    for name in _SCORES:
        bounds = zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
        shown[name] = [
            "too few" if value != value else f"{value:.1%} ({low:.1%} to {high:.1%})"
            for value, low, high in bounds
        ]
    shown["p (Holm)"] = [f"{p:.3g}" if p == p else "–" for p in table["corrected"]]
    echo_lines(shown.to_string(index=False))
    sentences = (
        *(report.slices.note, slices.describe_gap(report), slices.describe_differing(report)),
        *(slices.describe_skipped(report), slices.describe_method(report), slices.CAVEAT),
    )
    for sentence in filter(None, sentences):
        echo(sentence)
