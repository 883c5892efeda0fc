"""The plan of an experiment: what its trials have in common, and in which settings they differ."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from fer_core.errors import FerError
from fer_core.experiments.pruning import Pruning
from fer_core.experiments.space import Dimension, Settings
from fer_core.runs import MAX_TRIALS, TrainConfig
from fer_core.storage import Count, Timestamp, check_record
from fer_core.text import shortened

SEEDS: Final = "seeds"
FOLDS: Final = "folds"
GRID: Final = "grid"
RANDOM: Final = "random"
TPE: Final = "tpe"
MAX_TITLE_CHARS = 100


@dataclass(frozen=True)
class Plan:
    """Holds all that is known of an experiment before it starts; the content of `experiment.json`.

    Raises:
        FerError: there are no trials, one has settings that are unknown or out of range, or the
            title is longer than a line.
    """

    kind: Literal["seeds", "folds", "grid", "random", "tpe"]
    base: TrainConfig
    created: Timestamp
    # What differs from the base; of TPE nothing, since each trial depends on those before.
    trials: Annotated[tuple[Settings, ...], Meta(max_length=MAX_TRIALS)] = ()
    proposals: Annotated[int, Meta(ge=0, le=MAX_TRIALS)] = 0  # trials of TPE
    title: Annotated[str, Meta(max_length=MAX_TITLE_CHARS)] = ""
    space: Mapping[str, Dimension] = field(default_factory=dict)
    seed: Count = 0  # of the draws
    pruning: Pruning | None = None  # None: every trial trains to its end

    def __post_init__(self) -> None:
        if len(self.title.splitlines()) > 1 or len(self.title) > MAX_TITLE_CHARS:
            raise FerError(
                "The title of an experiment must be one line of at most "
                f"{MAX_TITLE_CHARS} characters. Received: {shortened(self.title)!r}"
            )
        if not self.count:
            raise FerError("An experiment needs at least one trial. Received: none")
        if bool(self.proposals) != (self.kind == TPE) or (self.proposals and self.trials):
            raise FerError("Only TPE proposes trials, and proposes all of them.")
        if self.kind == TPE and not self.space:
            raise FerError("TPE needs at least one setting that varies.")
        if any(not self.space.keys() <= settings.keys() for settings in self.trials):
            raise FerError("Every trial must have a value for each setting that varies.")
        _ = self.configs

    def check(self) -> None:
        """Checks that the plan can be read again once it is saved.

        Raises:
            FerError: a number is out of range.
        """
        try:
            check_record(Plan, asdict(self))
        except FerError as error:
            raise FerError(f"The plan of an experiment {error}") from error

    @property
    def count(self) -> int:
        """Returns the number of trials."""
        return self.proposals or len(self.trials)

    @property
    def varied(self) -> list[str]:
        """Returns the names of the settings in which trials differ."""
        names: dict[str, Any] = dict.fromkeys(self.space)
        for settings in self.trials:
            names |= dict.fromkeys(settings)
        return list(names)

    @property
    def configs(self) -> list[TrainConfig]:
        """Returns the settings of all trials; of TPE those at the ends of its ranges.

        Raises:
            FerError: one is unknown, of the wrong type, or out of range.
        """
        ends = ({name: value} for name, of in self.space.items() for value in of.ends)
        try:
            return [self.base.with_settings(settings) for settings in self.trials or ends]
        except FerError as error:
            raise FerError(f"A trial {error}") from error
