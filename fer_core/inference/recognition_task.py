"""A task that recognizes expressions with a run's model: what videos and batches share."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.tasks import Task


@dataclass(frozen=True)
class RecognitionTask(Task):
    """Holds what the request of such a task says; see `recognition_request`."""

    @property
    def name(self) -> str:
        """Returns the name of the upload or folder."""
        return str(self._arguments.get("name", self.id))

    @property
    def model_name(self) -> str:
        """Returns the name of the model at the time of the submission."""
        return str(self._arguments.get("network", self._arguments.get("run", "")))

    @property
    def run_id(self) -> str:
        """Returns the id of the run whose model is used."""
        return str(self._arguments.get("run", ""))

    @property
    def submitted(self) -> datetime | None:
        """Returns when it was submitted, by the task's id."""
        with suppress(ValueError):  # a folder with another name
            return datetime.strptime("-".join(self.id.split("-")[:2])[:15], "%Y%m%d-%H%M%S")
        return None

    @property
    def _arguments(self) -> Mapping[str, Any]:
        return self.request.arguments if self.request else {}


def recognition_request(run: Run, name: str, model_name: str = "") -> dict[str, Any]:
    """Returns the arguments that every request of a `RecognitionTask` has.

    Args:
        name: of the upload or folder.
        model_name: shown with the results; the run's name by default.

    Raises:
        FerError: the run has no model.
    """
    if run.model_file is None:
        raise FerError(f"{run.name} must finish an epoch before it can recognize expressions.")
    return {"run": run.id, "network": model_name or run.name, "name": name}
