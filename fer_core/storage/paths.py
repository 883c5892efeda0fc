"""Locates the workspace and its folders; the only module that reads FER_HOME."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def workspace() -> Path:
    """Returns the folder with all of the user's data: FER_HOME, or `workspace/` in the project."""
    return Path(os.environ.get("FER_HOME") or PROJECT / "workspace").expanduser().resolve()


def datasets_root() -> Path:
    """Returns the folder of datasets."""
    return workspace() / "datasets"


def runs_root() -> Path:
    """Returns the folder of training runs."""
    return workspace() / "runs"


def experiments_root() -> Path:
    """Returns the folder of experiments, which are groups of runs."""
    return workspace() / "experiments"


def tasks_root() -> Path:
    """Returns the folder of other tasks: imports, evaluations, videos."""
    return workspace() / "tasks"


def cache_root() -> Path:
    """Returns the folder of cached files; it may be deleted at any time."""
    return workspace() / "cache"


def pretrained_root() -> Path:
    """Returns the folder of the pretrained models that ship with the program; read-only."""
    return PROJECT / "fer_core" / "pretrained"
