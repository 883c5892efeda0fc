"""The command that exports a model to other programs: export."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from fer_core.cli.console import RUN_HELP, echo, echo_table, follow
from fer_core.cli.runs import find_run
from fer_core.errors import FerError
from fer_core.model_io import DRAWN, FORMATS, Export, list_exports, submit_export
from fer_core.runs import Run


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    export = commands.add_parser(
        "export",
        help="write a model in another program's format, and check it against the model",
        description="An export whose answers are too far from its model's is not copied, and the "
        "exit code is 1.",
    )
    export.add_argument("run", help=RUN_HELP)
    export.add_argument(
        "--format", nargs="+", choices=FORMATS, default=["onnx"], help="default: onnx"
    )
    export.add_argument(
        "--out", type=Path, metavar="FOLDER", help="copy each export to a folder there"
    )
    export.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> int:
    run, failed = find_run(options.run), 0
    for name in options.format:
        code = follow(submit_export(run, name))
        if code:
            return code
        found = _exported(run, name)
        _echo_report(found)
        if found.report.failure:
            failed = 1
        else:
            echo(str(_copy(found, options.out) if options.out else found.folder))
    return failed


def _exported(run: Run, name: str) -> Export:
    found = [export for export in list_exports(run) if export.format.name == name]
    if not found:
        raise FerError(f"The export must be complete. {run.id} has none as {name}.")
    return found[0]


def _echo_report(export: Export) -> None:
    report, accuracies = export.report, export.report.accuracies()
    faces = "drawn" if report.source == DRAWN else "validation"
    echo(
        f"{report.faces} {faces} faces: {report.agreeing} with the same label, largest difference "
        f"of a probability {report.largest_difference:.2g}"
    )
    rows = []
    timings = {"Keras": report.model, export.format.label: report.export}
    for number, (name, timing) in enumerate(timings.items()):
        accuracy = str(accuracies[number]) if accuracies else "–"
        numbers = (timing.load_seconds, timing.one_ms, timing.batch_ms)
        size = f"{timing.size / 1e6:.2f}"
        rows.append((name, accuracy, size, *(f"{number:.2f}" for number in numbers)))
    header = ("on one core", "accuracy", "MB", "CPU s to load", "ms a face", "in batches")
    echo_table(header, rows)
    if export.format.is_quantized and report.answers is not None:
        echo(f"exact McNemar test of the accuracies: p = {report.answers.p_value:.3f}")
    if report.failure:
        echo(f"NOT GOOD: {report.failure}")


def _copy(export: Export, out: Path) -> Path:
    """Copies the files of an export to a new folder in `out`, and returns it.

    Raises:
        FerError: there is such a folder.
    """
    target = out / f"{export.run.id}-{export.format.name}"
    if target.exists():
        raise FerError(f"The folder must not exist yet. Received: {target}")
    for file in export.files():
        copy = target / file.relative_to(export.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    return target
