"""The plan of an experiment: what its trials have in common, and in which settings they differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from fer_core.errors import FerError
from fer_core.experiments.space import Dimension, Settings
from fer_core.runs import MAX_TRIALS, TrainConfig
from fer_core.storage import Count, Timestamp

SEEDS, FOLDS, GRID, RANDOM = "seeds", "folds", "grid", "random"
MAX_TITLE_CHARS = 100


@dataclass(frozen=True)
class Plan:
    """Holds all that is known of an experiment before it starts; the content of `experiment.json`.

    Raises:
        FerError: there are no trials, one has settings that are unknown or out of range, or the
            title is longer than a line.
    """

    kind: Literal["seeds", "folds", "grid", "random"]
    base: TrainConfig
    created: Timestamp
    trials: Annotated[tuple[Settings, ...], Meta(max_length=MAX_TRIALS)]  # what differs from base
    title: Annotated[str, Meta(max_length=MAX_TITLE_CHARS)] = ""
    space: Mapping[str, Dimension] = field(default_factory=dict)
    seed: Count = 0  # of the draws

    def __post_init__(self) -> None:
        if len(self.title.splitlines()) > 1:
            raise FerError("The title of an experiment must be one line.")
        if not self.trials:
            raise FerError("An experiment needs at least one trial. Received: none")
        for settings in self.trials:
            self.base.with_settings(settings)

    @property
    def count(self) -> int:
        """Returns the number of trials."""
        return len(self.trials)

    @property
    def varied(self) -> list[str]:
        """Returns the names of the settings in which trials differ."""
        names: dict[str, Any] = dict.fromkeys(self.space)
        for settings in self.trials:
            names |= dict.fromkeys(settings)
        return list(names)

    def config(self, number: int) -> TrainConfig:
        """Returns the settings of a trial, numbered from 0."""
        return self.base.with_settings(self.trials[number])
