"""What a data set may be called."""

import itertools
import re

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.storage import paths

KINDS = ("import", "draw")  # of tasks that add a data set

_LONGEST = 64
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{_LONGEST - 1}}}(?<!\.)")

# What Windows keeps for devices, whatever follows the first dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_name(name: str) -> bool:
    """Whether a data set can be called that; such a name is a safe name of a folder."""
    return _NAME.fullmatch(name) is not None and _DEVICE.fullmatch(name) is None


def check_name(name: str) -> None:
    """Refuses what cannot be a data set's name, or is one already.

    Raises:
        FerError: says what a name must be, or that it is taken.
    """
    if not is_name(name):
        raise FerError(
            f"The name must be 1 to {_LONGEST} letters, digits, dashes, underscores or dots, "
            "beginning with a letter or digit, not ending with a dot, and none that Windows keeps "
            f"for itself, such as con or aux.1. Received: {name!r}"
        )
    if name.lower() in _taken():
        raise FerError(f"The name must not be that of a data set that is there. Received: {name}")


def check_new_name(name: str) -> None:
    """Refuses what `check_name` refuses, and a name under which something is being added now.

    Raises:
        FerError: says what a name must be, or that it is taken.
    """
    check_name(name)
    if name.lower() in _asked_for():
        raise FerError(
            f"The name must not be that of a data set that is being added. Received: {name}"
        )


def safe_name(wanted: str) -> str:
    """The wanted name without what a name, or a file on some system, cannot have."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("._-")
    name = name[: _LONGEST - 16].strip("._-") or "faces"
    return name if is_name(name) else f"faces-{name}"


def free_name(wanted: str) -> str:
    """A name for a new data set that is like the wanted one, for example a folder's name.

    Nothing has that name, and nothing is being added under it.
    """
    base = safe_name(wanted)
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    taken = _taken() | _asked_for()
    return next(name for name in itertools.chain([base], numbered) if name.lower() not in taken)


def _taken() -> set[str]:
    # macOS and Windows do not tell capitals apart.
    return {path.name.lower() for path in paths.datasets_root().glob("*")}


def _asked_for() -> set[str]:
    """The names under which active tasks add data sets."""
    adding = [task for kind in KINDS for task in tasks.list_tasks(kind) if task.state.is_active]
    requests = [task.request for task in adding]
    return {str(request.arguments.get("name")).lower() for request in requests if request}
