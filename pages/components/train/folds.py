"""Plans a cross-validation: how images are divided, and what it will take before it starts."""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import experiments
from fer_core.datasets import GROUP_NOUNS, UNITS, Dataset, images_per_group
from fer_core.runs import MAX_TRIALS, SETTINGS, TrainConfig
from pages.components.train.fields import field_grid
from pages.components.train.sweep import drop_plan, keep_plan

_ON = "folds"
_ONE_OUT_HELP = (
    "Leave-one-subject-out: as many runs as there are subjects, each validated on the images of "
    "one of them."
)


@dataclass(frozen=True)
class Folds:
    """Holds what the user has chosen."""

    count: int | None  # None: leave one out
    unit: str
    seed: int


def choose_folds(dataset: Dataset, place: DeltaGenerator) -> Folds | None:
    """Shows a switch and, if it is on, fields for folds; returns the choice, None if off.

    Args:
        place: for the switch.
    """
    is_on = place.toggle(
        "Cross-validation: a run for each fold of the images",
        key=_ON,
        help="Training and validation images are divided into folds; each run is validated on one "
        "and trained on the others. The test split is not touched.",
        on_change=drop_plan,
        persist_state="session",
    )
    return _fields(dataset) if is_on else None


def _fields(dataset: Dataset) -> Folds:
    labels = _units(dataset)
    with st.container(border=True):
        grid = field_grid(3)
        unit = grid.selectbox(
            SETTINGS["fold_unit"].label,
            list(labels),
            format_func=lambda name: labels.get(name, name),
            key=f"folds-unit-{dataset.name}",
            help=SETTINGS["fold_unit"].help,
        )
        one, _ = UNITS[unit]
        leaves_one_out = st.checkbox(
            f"Leave one {one} out", key="folds-one-out", help=_ONE_OUT_HELP, persist_state="session"
        )
        count = grid.number_input(
            SETTINGS["folds"].label,
            min_value=2,
            max_value=MAX_TRIALS,
            value=5,
            disabled=leaves_one_out,
            key="folds-count",
            help=SETTINGS["folds"].help,
            persist_state="session",
        )
        seed = grid.number_input(
            SETTINGS["fold_seed"].label,
            min_value=0,
            value=0,
            key="folds-seed",
            help=SETTINGS["fold_seed"].help,
            persist_state="session",
        )
    return Folds(None if leaves_one_out else count, unit, seed)


def _units(dataset: Dataset) -> dict[str, str]:
    """Returns what folds can be drawn of with its label, the recommended first."""
    index = dataset.stored_index
    divided = index[index["split"] != "test"]
    labels = {}
    for unit, (one, several) in UNITS.items():
        known = len(images_per_group(divided, unit))
        if known:
            labels[unit] = f"{one.capitalize()} ({known:,} {several})"
        elif unit not in GROUP_NOUNS:
            labels[unit] = one.capitalize()
    return dict(sorted(labels.items(), key=lambda entry: entry[0] != dataset.fold_unit))


def plan_folds(config: TrainConfig, folds: Folds) -> None:
    """Keeps the plan of a cross-validation, for `show_plan` to show it before it starts.

    Raises:
        FerError: the folds cannot be drawn, or would leave nothing to train on.
    """
    drop_plan()  # it is not shown again if this one is refused
    found = experiments.plan_cross_validation(config, folds.count, folds.unit, folds.seed)
    keep_plan(found.plan, found.notes)
