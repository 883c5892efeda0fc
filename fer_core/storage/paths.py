"""Where everything lives on disk; the only reader of the environment."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def workspace() -> Path:
    """The one folder that holds everything a person makes: `FER_HOME`, or `workspace/` here."""
    return Path(os.environ.get("FER_HOME") or PROJECT / "workspace").expanduser().resolve()


def datasets_root() -> Path:
    """The folder with one folder per data set."""
    return workspace() / "datasets"


def runs_root() -> Path:
    """The folder with one folder per training run."""
    return workspace() / "runs"


def tasks_root() -> Path:
    """The folder with one folder per task that is not a run: imports, evaluations."""
    return workspace() / "tasks"


def cache_root() -> Path:
    """The folder for what can be computed again: it may be deleted at any time."""
    return workspace() / "cache"


def pretrained_root() -> Path:
    """The folder with the finished runs that ship with the program; read-only."""
    return PROJECT / "fer_core" / "pretrained"
