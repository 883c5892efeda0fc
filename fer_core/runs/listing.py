"""Lists, opens and counts training runs."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.runs.run import Run
from fer_core.storage import cached_by_files, paths, stamp

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
        if os.path.exists(f"{directory}/config.json")  # noqa: PTH110 (a quarter of the time)
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
            if (run.directory / "config.json").exists():
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
    seen = [_glance(Run(directory)) for directory in tasks.directories(paths.runs_root())]
    active = [one.run for one in seen if one.is_active]
    return RunCounts(sum(one.is_readable for one in seen), tuple(active))


@dataclass(frozen=True)
class _Glance:
    run: Run
    is_readable: bool
    is_active: bool


def _is_settled(seen: _Glance) -> bool:
    """Tells whether the run is at rest and its folder's time can be trusted."""
    changed = stamp(seen.run.directory)[0] / 1e9
    return not seen.is_active and 0 < changed < time.time() - _SETTLED_SECONDS


def _folder(run: Run) -> list[Path]:
    return [run.directory]


@cached_by_files(_folder, keep=_is_settled)
def _glance(run: Run) -> _Glance:
    is_readable = (run.directory / "config.json").exists() and not run.problem
    return _Glance(run, is_readable, is_readable and run.state.is_active)
