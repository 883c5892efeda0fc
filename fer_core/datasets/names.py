"""Checks and proposes dataset names."""

import itertools
import re

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.storage import paths
from fer_core.tasks import kinds

KINDS = (kinds.IMPORT, kinds.DRAW)  # kinds of tasks that add a dataset

_MAX_LENGTH = 64
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{_MAX_LENGTH - 1}}}(?<!\.)")

# Windows reserves these for devices, whatever follows the first dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_name(name: str) -> bool:
    """Returns whether the name is valid, and so safe as a folder name on every system."""
    return _NAME.fullmatch(name) is not None and _DEVICE.fullmatch(name) is None


def check_name(name: str) -> None:
    """Checks that the name is valid and free.

    Raises:
        FerError: it is not.
    """
    if not is_name(name):
        raise FerError(
            f"The name must be 1 to {_MAX_LENGTH} letters, digits, dashes, underscores or dots. It "
            "must start with a letter or digit and not end with a dot, and names that Windows "
            f"reserves, such as con or aux.1, are not allowed. Received: {name!r}"
        )
    if name.lower() in _existing():
        raise FerError(f"There is already a dataset named {name}. Choose another name.")


def check_new_name(name: str) -> None:
    """Checks that the name is valid, free, and not that of a dataset being added.

    Raises:
        FerError: it is not.
    """
    check_name(name)
    if name.lower() in _pending():
        raise FerError(f"A dataset named {name} is being added already. Choose another name.")


def safe_name(wanted: str) -> str:
    """Returns a valid name like the wanted one, without characters that names cannot have."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("._-")
    name = name[: _MAX_LENGTH - 16].strip("._-") or "faces"
    return name if is_name(name) else f"faces-{name}"


def free_name(wanted: str) -> str:
    """Returns a free name for a new dataset, like the wanted one, for example a folder's name."""
    base = safe_name(wanted)
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    taken = _existing() | _pending()
    return next(name for name in itertools.chain([base], numbered) if name.lower() not in taken)


def _existing() -> set[str]:
    # Lower case, since file names on macOS and Windows are case-insensitive.
    return {path.name.lower() for path in paths.datasets_root().glob("*")}


def _pending() -> set[str]:
    """Returns the names of the datasets that active tasks are adding."""
    adding = [task for kind in KINDS for task in tasks.list_tasks(kind) if task.state.is_active]
    requests = [task.request for task in adding]
    return {str(request.arguments.get("name")).lower() for request in requests if request}
