"""What a person has chosen for the whole workspace."""

from dataclasses import asdict, dataclass

from fer_core.storage import paths, read_json, write_json


@dataclass(frozen=True)
class Preferences:
    """The choices, as `preferences.json` holds them."""

    resume_by_itself: bool = False  # an interrupted run goes on without a click


def read_preferences() -> Preferences:
    """What was chosen; where the file cannot be understood, what a new workspace has."""
    try:
        return Preferences(**(read_json(paths.workspace() / "preferences.json") or {}))
    except (ValueError, TypeError):
        return Preferences()


def save_preferences(preferences: Preferences) -> None:
    """Writes what was chosen."""
    paths.workspace().mkdir(parents=True, exist_ok=True)
    write_json(paths.workspace() / "preferences.json", asdict(preferences))
