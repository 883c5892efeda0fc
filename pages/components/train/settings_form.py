"""The form with all settings of a recipe, in groups."""

from dataclasses import replace
from typing import Any

import streamlit as st

from fer_core.datasets import Dataset
from fer_core.runs import (
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    SETTINGS,
    Augmentation,
    Run,
    TrainConfig,
)
from pages.components.shared.access import writing
from pages.components.shared.formatting import plain
from pages.components.train.augmentation_preview import show_augmentation
from pages.components.train.fields import (
    checkbox_field,
    choice_field,
    corrections_field,
    field_grid,
    field_key,
    number_fields,
    teachers_fields,
)

_START = ":material/play_arrow:"
_CHOICES = {
    "float32": "float32",
    "mixed_bfloat16": "mixed_bfloat16 (half precision)",
    "constant": "Constant",
    "cosine": "Cosine",
    "adam": "Adam",
    "sgd": "SGD",
}


def settings_form(config: TrainConfig, dataset: Dataset, initial: Run | None) -> TrainConfig | None:
    """Shows the form, filled with `config`; returns the settings when it is submitted, else None.

    With an `initial` run, whose weights the new run starts from, its image size is used.

    Raises:
        FerError: a setting is out of its range, or invalid for the architecture.
    """
    if initial is not None:
        size = initial.config.image_size
        config = replace(config, image_size=size, initial_run=initial.id, weights="none")
    # The key names the dataset, so that a click made before it was deleted starts nothing.
    with st.form(f"settings-{config.recipe}-{dataset.name}", border=False):
        with st.expander("Settings", icon=":material/tune:"):
            st.caption(
                "The recipe is complete: no setting has to be changed. The question marks explain "
                "the settings."
            )
            settings = _optimization(config) | _regularization(config, dataset)
            settings |= _images(config, dataset)
            settings["augmentation"] = _augmentation(config)
            settings |= _computing(config)
        settings |= corrections_field(config, dataset)
        with st.container(horizontal=True):
            start = st.form_submit_button(
                "Start training", type="primary", icon=":material/play_arrow:", **writing()
            )
            show = st.form_submit_button("Show augmentation", icon=":material/visibility:")
    if not start and not show:
        return None
    chosen = replace(config, dataset=dataset.name, **settings)
    if show:
        show_augmentation(chosen, dataset)
    return chosen if start else None


def _optimization(config: TrainConfig) -> dict[str, Any]:
    st.markdown("**Optimization**")
    names = ["epochs", "batch_size", "learning_rate", "learning_rate_decay", "warmup"]
    if config.architecture == "vgg19_finetuned":
        names += ["head_epochs", "head_learning_rate", "unfrozen_blocks"]
    if config.freezes_at(0):
        names.append("feature_views")
    settings = number_fields(config, config, [*names, "early_stopping", "seed"], columns=3)
    grid = field_grid(3)
    for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        settings[name] = choice_field(config, name, choices, _CHOICES, grid)
    if config.family == "vgg19" and not config.initial_run:
        weights = grid.text_input(
            SETTINGS["weights"].label,
            config.weights,
            key=field_key(config, "weights"),
            help=SETTINGS["weights"].help,
            persist_state="session",
        )
        settings["weights"] = weights.strip()
    return settings


def _regularization(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    st.markdown("**Regularization**")
    names = ("weight_decay", "label_smoothing", "mixup", "votes")
    settings = number_fields(config, config, names, columns=4)
    settings["class_weights"] = checkbox_field(config, config, "class_weights")
    return settings | teachers_fields(config, dataset)


def _images(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    st.markdown("**Images**")
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
    }


def _augmentation(config: TrainConfig) -> Augmentation:
    st.markdown("**Augmentation**: random changes of the training images, new in every epoch")
    names = ("rotation", "shift", "shear", "zoom", "contrast", "brightness", "erasing")
    numbers = number_fields(config, config.augmentation, names, columns=4)
    return Augmentation(**numbers, flip=checkbox_field(config, config.augmentation, "flip"))


def _computing(config: TrainConfig) -> dict[str, Any]:
    st.markdown("**Computation and output**")
    names = ("test_at_end", "average_views", "deterministic", "tensorboard")
    with st.container(horizontal=True, gap="medium"):
        settings: dict[str, Any] = {name: checkbox_field(config, config, name) for name in names}
    settings["precision"] = choice_field(config, "precision", PRECISIONS, _CHOICES, field_grid(3))
    return settings
