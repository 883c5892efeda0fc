"""All training runs: listed, opened, told from what is none."""

from pathlib import Path

from fer_core import paths, tasks
from fer_core.runs.run import Run


def list_runs() -> list[Run]:
    """All runs that can be read, newest first; those that ship with the program last."""
    return [run for run in _all_runs() if not run.problem]


def unreadable_runs() -> list[Run]:
    """Runs whose files cannot be understood; `Run.problem` says why."""
    return [run for run in _all_runs() if run.problem]


def _all_runs() -> list[Run]:
    roots = (paths.runs_root(), paths.pretrained_root())
    return [
        Run(directory)
        for root in roots
        for directory in tasks.directories(root)
        if (directory / "config.json").exists()
    ]


def open_run(run_id: str) -> Run:
    """The run of that id.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    if Path(run_id).name == run_id:  # the id may come from an address that anyone can type
        for root in (paths.runs_root(), paths.pretrained_root()):
            run = Run(root / run_id)
            if (run.directory / "config.json").exists():
                if run.problem:
                    raise ValueError(run.problem)
                return run
    raise ValueError(f"The run must be one of those listed on the Runs page. Received: {run_id}")
