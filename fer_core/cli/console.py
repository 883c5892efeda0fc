"""Prints lines, tables and the progress of a task."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fer_core.errors import FerError
from fer_core.tasks import NEVER_STARTED, Task, TaskState
from fer_core.text import visible

RUN_HELP = "the run's ID, or the beginning of it if no other ID begins the same"


Found = TypeVar("Found", bound=Task)


def echo(text: str, file: Any = None) -> None:
    """Prints a line and flushes it, even if the output is not a terminal.

    Names in it cannot control the terminal: see `visible`.
    """
    print(visible(text), file=file or sys.stdout, flush=True)  # noqa: T201 (the command line's output)


def echo_lines(text: str) -> None:
    """Prints a text of several lines, such as a table from pandas."""
    for line in text.split("\n"):
        echo(line)


def echo_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints columns as wide as their widest entry."""
    lines = [list(map(visible, line)) for line in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        echo("  ".join(map(str.ljust, line, widths)).rstrip())


def add_tta_option(parser: argparse.ArgumentParser, help: str) -> None:
    """Adds `--tta` and its old spelling, `--average-views`, which the help does not list."""
    parser.add_argument("--tta", action=argparse.BooleanOptionalAction, default=False, help=help)
    parser.add_argument("--average-views", dest="tta", action="store_true", help=argparse.SUPPRESS)


def find(
    prefix: str, every: Sequence[Found], argument: str, otherwise: Callable[[str], Found]
) -> Found:
    """Returns the one with this ID, or the only one whose ID begins with it.

    Args:
        argument: what the command line calls it.
        otherwise: opens it by its whole ID, or says why it cannot.

    Raises:
        FerError: there is none, there are several, or it cannot be read.
    """
    matches = [one for one in every if prefix and one.id.startswith(prefix)]
    if len(matches) > 1 and prefix not in [one.id for one in matches]:
        ids = ", ".join(one.id for one in matches)
        raise FerError(
            f"{argument} must match one {argument.lower()}. Received: {prefix}, which matches {ids}"
        )
    return matches[0] if len(matches) == 1 else otherwise(prefix)


def follow(task: Task) -> int:
    """Prints a task's progress until it ends and returns the exit code; Ctrl+C stops the task.

    Raises:
        FerError: the task failed or was interrupted.
    """
    printed = ""
    while task.state.is_active:
        try:
            line = _progress_line(task)
            if line != printed:
                echo(line)
                printed = line
            _wait(task)
        except KeyboardInterrupt:
            echo("Stopping after the current step …")
            task.request_stop()
    if task.state is TaskState.CANCELLED:
        echo(NEVER_STARTED)
    if task.state is TaskState.FAILED:
        raise FerError(task.error)
    if task.state is TaskState.INTERRUPTED:
        raise FerError(task.interruption)
    return 0 if task.state is TaskState.FINISHED else 1


def _wait(task: Task) -> None:
    """Returns when a task has ended, or after a second."""
    end = time.monotonic() + 1.0
    while task.state.is_active and time.monotonic() < end:
        time.sleep(0.1)


def _progress_line(task: Task) -> str:
    progress = task.progress
    if progress is None:
        return str(task.state)
    rate = f", {progress.rate:.0f} {progress.unit} per second" if progress.rate else ""
    return f"{progress.fraction:4.0%} {progress.message}{rate}"
