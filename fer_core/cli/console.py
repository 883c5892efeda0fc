"""What the terminal says: lines, tables, and how a task goes until it ends."""

import sys
import time
from collections.abc import Sequence
from typing import Any

from fer_core.errors import FerError
from fer_core.tasks import NEVER_STARTED, Task, TaskState


def say(text: str, file: Any = None) -> None:
    """Prints at once, also where the output is no terminal."""
    print(text, file=file or sys.stdout, flush=True)  # noqa: T201 (this is the terminal's page)


def say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints columns as wide as their widest entry."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        say("  ".join(map(str.ljust, line, widths)).rstrip())


def follow(task: Task) -> int:
    """Says how a task goes until it ends, and gives the exit code; Ctrl+C asks it to stop.

    Raises:
        FerError: the task failed, or its process ended without a word.
    """
    said = ""
    while task.state.is_active:
        try:
            line = _progress_line(task)
            if line != said:
                say(said := line)
            time.sleep(1)
        except KeyboardInterrupt:
            say("Stopping after the step in hand …")
            task.request_stop()
    if task.state is TaskState.CANCELLED:
        say(NEVER_STARTED)
    if task.state is TaskState.FAILED:
        raise FerError(task.error)
    if task.state is TaskState.INTERRUPTED:
        raise FerError(task.interruption)
    return 0 if task.state is TaskState.FINISHED else 1


def _progress_line(task: Task) -> str:
    progress = task.progress
    if progress is None:
        return str(task.state)
    rate = f", {progress.rate:.0f} {progress.unit} a second" if progress.rate else ""
    return f"{progress.fraction:4.0%} {progress.message}{rate}"
