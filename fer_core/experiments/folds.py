"""Plans cross-validation: an experiment whose runs validate on one fold each."""

import time
from dataclasses import dataclass, replace

from fer_core.datasets import GROUP_NOUNS, UNITS, Dataset, FoldPlan, count_units
from fer_core.errors import FerError
from fer_core.experiments.plan import Plan
from fer_core.runs import (
    WIDEST_UNIT,
    TrainConfig,
    dataset_for,
    open_run,
    recipe_title,
    used_classes,
)
from fer_core.text import some


@dataclass(frozen=True)
class CrossValidation:
    """Holds a planned cross-validation."""

    plan: Plan
    folds: FoldPlan
    notes: tuple[str, ...]  # sentences: how images are divided, and what to know about the scores

    @property
    def title(self) -> str:
        """Returns what is done, in a few words."""
        return self.plan.title


def plan_cross_validation(
    config: TrainConfig, count: int | None, unit: str = WIDEST_UNIT, seed: int = 0
) -> CrossValidation:
    """Plans a run for each fold; the test split is not opened by any of them.

    Args:
        config: the settings of all runs.
        count: of folds; None leaves one subject, sequence or image out at a time.
        unit: that is never in two folds, one of UNITS; by default the widest that is known.
        seed: of the folds.

    Raises:
        FerError: the folds cannot be drawn, or would leave nothing to train on.
    """
    dataset = dataset_for(replace(config, folds=0, fold=0))
    unit = dataset.fold_unit if unit == WIDEST_UNIT else unit
    if unit not in UNITS:
        raise FerError(f"Folds are drawn by {', '.join(UNITS)}. Received: {unit!r}")
    leaves_one_out = count is None
    number = count_units(dataset.stored_index, unit) if count is None else count
    folds = dataset.plan_folds(number, unit, seed)
    folds.check(used_classes(config, dataset))
    base = replace(config, folds=number, fold=1, fold_unit=unit, fold_seed=seed, test_at_end=False)
    one, _ = UNITS[unit]
    said = f"leave one {one} out" if leaves_one_out else f"{number} folds by {one}"
    title = f"{recipe_title(config)}, {said}"
    trials = tuple({"fold": fold} for fold in range(1, number + 1))
    plan = Plan("folds", base, time.time(), trials, title=title)
    return CrossValidation(plan, folds, (*folds.describe(), *_warnings(base, dataset)))


def _warnings(config: TrainConfig, dataset: Dataset) -> list[str]:
    """Returns sentences about what makes the scores too high."""
    notes, widest = [], dataset.fold_unit
    if widest in GROUP_NOUNS and config.fold_unit not in GROUP_NOUNS:
        notes.append(
            f"Warning: images of one {GROUP_NOUNS[widest][0]} are in several folds, so the scores "
            f"are higher than on others. {dataset.name} tells them: draw the folds by {widest}."
        )
    elif config.fold_unit not in GROUP_NOUNS:
        notes.append(
            "No subjects are known: images of one person may be in several folds, so the scores "
            "say little about other people."
        )
    sources = [name for name in (config.initial_run, *config.teachers) if name]
    learned = [name for name in sources if open_run(name).config.dataset == config.dataset]
    if learned:
        notes.append(
            f"Warning: {some(learned)} learned from images of {config.dataset}, so every fold's "
            "model indirectly knows the images that it is validated on."
        )
    return notes
