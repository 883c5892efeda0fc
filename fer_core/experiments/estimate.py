"""Says how many runs an experiment makes and how long they will take, from earlier runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from fer_core.experiments.plan import Plan
from fer_core.runs import Run, TrainConfig, dataset_for, list_runs

_RECENT = 200  # newest runs, from whose speed the time is estimated


@dataclass(frozen=True)
class Estimate:
    """Holds what an experiment will take."""

    runs: int
    epochs: int  # of all runs together
    seconds: float | None  # None if no earlier run is like one of them


def estimate(plan: Plan) -> Estimate:
    """Estimates the time that an experiment's runs take one after another, if none stops early.

    An epoch takes what it took in an earlier run of the same dataset, architecture and image size,
    or else what its images took in runs of other datasets.
    """
    configs = plan.configs
    earlier = [run for run in list_runs()[:_RECENT] if len(run.history)]
    known: dict[tuple[object, ...], float | None] = {}
    seconds: float | None = 0.0
    for config in configs:
        likeness = _likeness(config)
        if likeness not in known:
            known[likeness] = _epoch_seconds(config, earlier)
        epoch = known[likeness]
        seconds = None if seconds is None or epoch is None else seconds + config.epochs * epoch
    if seconds is not None:  # of TPE, the settings are the ends of its ranges
        seconds *= plan.count / len(configs)
    return Estimate(plan.count, plan.count * plan.base.epochs, seconds)


def _likeness(config: TrainConfig) -> tuple[object, ...]:
    """Returns what the time of an epoch depends on most."""
    model = (config.architecture, config.image_size, config.precision, config.unfrozen_blocks)
    return (config.dataset, *model, bool(config.feature_views), bool(config.sharpness))


def _epoch_seconds(config: TrainConfig, earlier: Iterable[Run]) -> float | None:
    """Returns what an epoch takes; None if nothing is known."""
    wanted = _likeness(config)
    alike = [run for run in earlier if _likeness(run.config)[1:] == wanted[1:]]
    same = [run for run in alike if run.config.dataset == config.dataset]
    rates = [rate for run in same or alike if (rate := _seconds_per_image(run))]
    if not rates:
        return None
    images = int((dataset_for(config).index["split"] == "train").sum())
    return median(rates) * images


def _seconds_per_image(run: Run) -> float | None:
    counts = run.counts
    images = int(counts["train"].sum()) if "train" in counts else 0
    return float(run.history["seconds"].median()) / images if images else None
