"""Ends trials that fall behind: below the median of the others at the same epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated

from msgspec import Meta

from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.tasks import TaskState


@dataclass(frozen=True)
class Pruning:
    """Says which trials may be ended early.

    Raises:
        FerError: they could be before their first epoch.
    """

    epochs: Annotated[int, Meta(ge=1, le=10_000)] = 3  # that every trial is trained for
    others: Annotated[int, Meta(ge=1, le=500)] = 3  # that must have come as far

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise FerError(f"Trials are pruned after 1 epoch or more. Received: {self.epochs}")


def prune(run: Run, others: Sequence[Run], pruning: Pruning) -> bool:
    """Stops a run that falls behind, by the same request that stops any run.

    Compares its best validation accuracy so far with the median of the others after as many epochs.
    A run that was pruned before, and goes on since somebody wants it to, is left alone.
    """
    if run.state is not TaskState.RUNNING or run.was_pruned:
        return False
    accuracies = run.history["val_accuracy"]
    done = len(accuracies)
    if not pruning.epochs <= done < run.goal.epochs:
        return False
    histories = (other.history["val_accuracy"] for other in others if other != run)
    there = [float(history.iloc[done - 1]) for history in histories if len(history) >= done]
    if len(there) < pruning.others or float(accuracies.max()) >= median(there):
        return False
    run.request_stop(
        f"Pruned after epoch {done}: its validation accuracy of {accuracies.max():.1%} was below "
        f"{median(there):.1%}, the median of {len(there)} other trials."
    )
    return True
