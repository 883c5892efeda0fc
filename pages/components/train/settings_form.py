"""The form with all settings of a recipe, in groups."""

from dataclasses import replace
from typing import Any

import streamlit as st

from fer_core import datasets, experiments
from fer_core.datasets import Dataset
from fer_core.runs import SETTINGS, Augmentation, Run, TrainConfig, starting_from
from pages.components.shared.access import writing
from pages.components.shared.formatting import plain
from pages.components.train.augmentation_preview import show_augmentation
from pages.components.train.fields import (
    corrections_field,
    field_grid,
    field_key,
    seeds_field,
    setting_fields,
    teachers_fields,
    text_field,
)

START = "Start training"
OPEN = "settings"  # tells in the session state whether the settings are open
_WERE_OPEN = "settings-were-open"
_FIND_HELP = (
    "Trains a model that is thrown away for up to 100 steps, with a rate that rises from a "
    "millionth to 1, and suggests a tenth of the rate with the smallest loss."
)


def settings_form(
    config: TrainConfig, dataset: Dataset, initial: Run | None, start_label: str = START
) -> tuple[TrainConfig, int] | None:
    """Shows the form, filled with `config`.

    Returns the settings and the number of seeds to train with when it is submitted, else None.

    With an `initial` run, whose weights the new run starts from, its image size is used.

    Raises:
        FerError: a setting is out of its range, or invalid for the architecture.
    """
    if initial is not None:
        size = initial.config.image_size
        config = replace(starting_from(config, initial), image_size=size)
    # The key names the dataset, so that a click made before it was deleted starts nothing.
    with st.form(f"settings-{config.recipe}-{dataset.name}", border=False):
        is_single = start_label == START  # an experiment has seeds of its own
        settings = _settings(config, dataset, has_seeds=is_single)
        settings |= corrections_field(config, dataset)
        with st.container(horizontal=True):
            start = st.form_submit_button(
                start_label, type="primary", icon=":material/play_arrow:", **writing()
            )
            show = st.form_submit_button("Show augmentation", icon=":material/visibility:")
            find = st.form_submit_button(
                "Find the learning rate", icon=":material/query_stats:", **writing(help=_FIND_HELP)
            )
    if not (start or show or find):
        return None
    seeds = settings.pop("seeds", 1)
    chosen = replace(config, dataset=dataset.name, **settings)
    if show:
        show_augmentation(chosen, dataset)
    if find:
        experiments.submit_rate_test(chosen)
    return (chosen, seeds) if start else None


def open_settings() -> None:
    """Opens the settings in the next run of the page."""
    st.session_state[OPEN] = st.session_state[_WERE_OPEN] = True


def _settings(config: TrainConfig, dataset: Dataset, *, has_seeds: bool) -> dict[str, Any]:
    """Shows the settings of the recipe; returns the values, none before they are first opened.

    The fields are drawn from the first opening on: they make up two thirds of the page, and what is
    entered would be lost if they went again.
    """
    expander = st.expander("Settings", icon=":material/tune:", key=OPEN, on_change="rerun")
    if not st.session_state.setdefault(_WERE_OPEN, False):
        st.session_state[_WERE_OPEN] = expander.open
    if not st.session_state[_WERE_OPEN]:
        return {}
    with expander:
        st.caption(
            "The recipe is complete: no setting has to be changed. The question marks explain the "
            "settings."
        )
        st.markdown("**Optimization**")
        grid = field_grid(3)
        settings = setting_fields(config, config, "optimization", grid)
        if has_seeds:
            settings["seeds"] = seeds_field(config, grid)
        st.markdown("**Regularization**")
        settings |= setting_fields(config, config, "regularization", field_grid(4))
        settings |= teachers_fields(config, dataset)
        st.markdown("**Images**")
        settings |= _images(config, dataset)
        settings["augmentation"] = _augmentation(config)
        st.markdown("**Computation and output**")
        return settings | setting_fields(config, config, "computation", field_grid(3))


def _images(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    grid = field_grid(3)
    sides = [
        grid.number_input(
            f"Image {name}",
            value=pixels,
            disabled=bool(config.initial_run),
            key=field_key(config, f"{name}-{config.initial_run}"),
            help="Set by the run that training starts from."
            if config.initial_run
            else SETTINGS["image_size"].help,
            persist_state="session",
        )
        for name, pixels in zip(("height", "width"), config.image_size, strict=True)
    ]
    has_own, default = dataset.has_own_validation, dataset.validation_fraction
    fraction = grid.number_input(
        SETTINGS["validation_fraction"].label,
        value=default,
        step=SETTINGS["validation_fraction"].step,
        disabled=has_own,
        key=field_key(config, f"validation_fraction-{dataset.name}"),
        help=f"{plain(dataset.name)} has its own validation split."
        if has_own
        else SETTINGS["validation_fraction"].help,
        persist_state="session",
    )
    labels = {}
    if datasets.has_votes(dataset.index) or datasets.raters.rater_names(dataset):
        labels["labels"] = text_field(config, "labels", config.labels, grid)
    expressions = st.multiselect(
        SETTINGS["class_names"].label,
        dataset.class_names,
        placeholder="All expressions of the dataset",
        key=field_key(config, f"class_names-{dataset.name}"),
        help=SETTINGS["class_names"].help,
        persist_state="session",
    )
    return {
        "image_size": tuple(sides),
        "validation_fraction": None if has_own or fraction == default else fraction,
        "class_names": tuple(expressions),
        **labels,
    }


def _augmentation(config: TrainConfig) -> Augmentation:
    st.markdown("**Augmentation**: random changes of the training images, new in every epoch")
    grid = field_grid(4)
    return Augmentation(**setting_fields(config, config.augmentation, "augmentation", grid))
