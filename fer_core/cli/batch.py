"""The command that recognizes the photos and videos of a folder: batch."""

import argparse
import sys
from pathlib import Path
from typing import Any

from fer_core.batches import (
    Batch,
    BatchSettings,
    export_results,
    find_resumable,
    read_results,
    resume_batch,
    submit_folder,
)
from fer_core.cli.console import RUN_HELP, add_tta_option, echo, follow
from fer_core.cli.runs import find_run
from fer_core.evaluation import threshold_of
from fer_core.inference import VideoSettings
from fer_core.runs import COMPLETED, Run
from fer_core.storage import read_bytes
from fer_core.text import counted

_MAX_TABLE_BYTES = 100_000_000


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    batch = commands.add_parser(
        "batch",
        help="recognize expressions in all photos and videos of a folder",
        description="Writes a row per file and person, a row per file, and a row per face and "
        "frame, as CSV and Parquet. Run the same command again to go on after an interruption: "
        "finished files are not repeated. The exit code is 1 if a file cannot be read or a row of "
        "the table belongs to no file; the others are still processed.",
    )
    batch.add_argument("run", help=RUN_HELP)
    batch.add_argument("folder", type=Path, help="with photos and videos, also in folders in it")
    batch.add_argument("--out", type=Path, required=True, metavar="DIR", help="write tables there")
    batch.add_argument(
        "--table",
        type=Path,
        metavar="CSV",
        help="columns file, start, end, participant, condition, markers, excluded, baseline and "
        "any others",
    )
    _add_marker_options(batch)
    batch.add_argument(
        "--only-listed", action="store_true", help="only files that the table has a row for"
    )
    rate = batch.add_mutually_exclusive_group()
    rate.add_argument(
        "--every", type=int, default=1, metavar="N", help="process every Nth frame (default: 1)"
    )
    rate.add_argument(
        "--per-second", type=float, metavar="N", help="process so many frames of a second"
    )
    batch.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help='only files like this, such as "*.mp4" or "session1/*"; may be repeated',
    )
    batch.add_argument(
        "--whole-picture",
        action="store_true",
        help="take each whole photo as one face that was cropped already, without face detection",
    )
    add_tta_option(batch, "use test-time augmentation (10 views); slower")
    batch.set_defaults(command=_batch)


def _add_marker_options(batch: argparse.ArgumentParser) -> None:
    batch.add_argument(
        "--markers",
        type=Path,
        metavar="CSV",
        help="columns file, time, label for markers, or file, start, end, reason for ranges to "
        "exclude; the kind baseline makes a range the baseline",
    )
    batch.add_argument(
        "--baseline",
        default="",
        metavar="RANGE",
        help='subtract the mean of such a range of each video, as in "0-5", or of a neutral file '
        "of the folder",
    )
    batch.add_argument(
        "--window",
        type=float,
        default=BatchSettings.window,
        metavar="SECONDS",
        help="average so long before and after each marker (default: %(default)g)",
    )


def _batch(options: argparse.Namespace) -> int:
    run = find_run(options.run)
    threshold = threshold_of(run, tta=options.tta) or 0.0
    settings = BatchSettings(
        VideoSettings(every=options.every, threshold=threshold, tta=options.tta),
        options.per_second,
        tuple(options.include),
        options.only_listed,
        options.baseline,
        options.window,
        options.whole_picture,
    )
    batch = _start(run, options.folder, settings, _read(options.table), _read(options.markers))
    code = follow(batch)
    summary, results = batch.summary, read_results(batch)
    if summary is None or results is None:
        return code or 1
    export_results(batch, results, options.out)
    for note in results.notes:
        echo(note)
    for problem in results.problems:
        echo(problem, file=sys.stderr)
    people = len(results.summary)
    echo(
        f"{summary.finished:,} of {counted(summary.files, 'file')}, {summary.failed:,} of them "
        f"unreadable; {counted(people, 'row')} of files and people"
    )
    echo(str(options.out))
    is_whole = summary.reason == COMPLETED and not results.problems
    return code if code or is_whole else 1


def _read(table: Path | None) -> bytes | None:
    return read_bytes(table, max_bytes=_MAX_TABLE_BYTES) if table else None


def _start(
    run: Run, folder: Path, settings: BatchSettings, table: bytes | None, markers: bytes | None
) -> Batch:
    """Submits the batch, or goes on with the same one if it was interrupted."""
    batch = find_resumable(run, folder, settings, table, markers)
    if batch is None:
        return submit_folder(run, folder, settings, table=table, markers=markers)
    if not batch.state.is_active:
        resume_batch(batch)
    echo(f"Going on with {batch.id}")
    return batch
