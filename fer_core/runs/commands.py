"""Returns the commands that train a run again."""

import contextlib
import shlex
from dataclasses import fields, replace
from typing import Any

from fer_core.errors import FerError
from fer_core.runs.config import SETTINGS, Augmentation, TrainConfig
from fer_core.runs.listing import open_run
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run


def training_commands(run: Run) -> list[str]:
    """Returns the commands that train the runs that this one starts from, and then itself.

    The id of an earlier one is not known in advance, so the later ones call it RUN.
    """
    configs = [each.config for each in lineage(run)]
    named = [configs[0], *(replace(each, initial_run="RUN") for each in configs[1:])]
    return [*map(training_command, named)]


def training_command(config: TrainConfig) -> str:
    """Returns the command that trains such a run: the recipe and the settings that differ.

    It always names the precision, whose default depends on the machine.
    """
    recipe = RECIPES[config.recipe].config
    different: list[tuple[str, Any]] = [("precision", config.precision)]
    for ours, default, record in (
        (config, recipe, TrainConfig),
        (config.augmentation, recipe.augmentation, Augmentation),
    ):
        different += [
            (each.name, getattr(ours, each.name))
            for each in fields(record)
            if getattr(ours, each.name) != getattr(default, each.name)
            and each.name not in ("dataset", "recipe", "augmentation", "precision")
        ]
    words = ["train", "--dataset", config.dataset, "--recipe", config.recipe]
    for name, value in different:
        flag = (SETTINGS[name].option or name).replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{flag}", *map(str, values)]
    return f"python -m fer_core {shlex.join(words)}"


def lineage(run: Run) -> list[Run]:
    """Returns the chain of runs that each start from the previous one's weights, `run` last."""
    runs = [run]
    with contextlib.suppress(FerError):  # deleted
        # The id of a deleted run may have been reused by a later one: avoid a cycle.
        while runs[0].config.initial_run not in ("", *(each.id for each in runs)):
            runs.insert(0, open_run(runs[0].config.initial_run))
    return runs
