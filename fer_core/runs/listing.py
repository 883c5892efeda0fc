"""Lists, opens and counts training runs."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.runs.run import Run
from fer_core.storage import paths

# A folder's time is trusted when it is older: some clocks tell moments apart only by their seconds.
_SETTLED_SECONDS = 3.0


def list_runs() -> list[Run]:
    """Returns all readable runs, newest first, then the pretrained models."""
    return [run for run in _all_runs() if not run.problem]


def list_pretrained() -> list[Run]:
    """Returns the pretrained models, which ship with the program."""
    return [run for run in _runs_in(paths.pretrained_root()) if not run.problem]


def unreadable_runs() -> list[Run]:
    """Returns the runs that cannot be read; `Run.problem` says why."""
    return [run for run in _all_runs() if run.problem]


def _all_runs() -> list[Run]:
    return [*_runs_in(paths.runs_root()), *_runs_in(paths.pretrained_root())]


def _runs_in(root: Path) -> list[Run]:
    return [
        Run(directory)
        for directory in tasks.directories(root)
        if os.path.lexists(f"{directory}/config.json")  # even a link to itself
    ]


def open_run(run_id: str) -> Run:
    """Opens a run by its id.

    Raises:
        FerError: there is none, or it cannot be read.
    """
    # The id may come from a URL that anyone can type.
    if Path(run_id).name == run_id and not run_id.startswith("."):
        for root in (paths.runs_root(), paths.pretrained_root()):
            run = Run(root / run_id)
            if os.path.lexists(run.directory / "config.json"):
                if run.problem:
                    raise FerError(run.problem)
                return run
    raise FerError(f"There is no run {run_id}. Choose one listed on the Runs page.")


@dataclass(frozen=True)
class RunCounts:
    """Counts the user's runs and lists the active ones."""

    total: int
    active: tuple[Run, ...]  # newest first


def count_runs() -> RunCounts:
    """Counts the runs that can be read, at the cost of one look at the folder of each.

    Nothing begins in a run before its folder gets a request: a run that was seen at rest is not
    looked into again before its folder changes.
    """
    total, active = 0, []
    for directory in tasks.directories(paths.runs_root()):
        is_run, is_active = _seen_before(directory) or _look_into(directory)
        total += is_run
        if is_active:
            active.append(Run(directory))
    return RunCounts(total, tuple(active))


_at_rest: dict[Path, tuple[float, bool]] = {}  # when the folder was changed, whether it is a run


def _seen_before(directory: Path) -> tuple[bool, bool] | None:
    known = _at_rest.get(directory)
    if known is None or known[0] != _changed(directory):
        return None
    return known[1], False


def _look_into(directory: Path) -> tuple[bool, bool]:
    changed, run = _changed(directory), Run(directory)
    is_run = (directory / "config.json").exists() and not run.problem
    is_active = is_run and run.state.is_active
    if not is_active and changed < time.time() - _SETTLED_SECONDS:
        _at_rest[directory] = changed, is_run
    return is_run, is_active


def _changed(directory: Path) -> float:
    try:
        return os.stat(directory).st_mtime  # noqa: PTH116 (a third of the time of Path's)
    except OSError:
        return time.time()  # deleted in the same moment
