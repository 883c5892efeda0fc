"""The form with every setting of a recipe, in groups."""

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
from pages.components.train.augmentation_preview import show_augmentation
from pages.components.train.corrections_field import corrections_field
from pages.components.train.fields import (
    checkbox_field,
    choice_field,
    field_grid,
    field_key,
    number_fields,
)
from pages.components.train.teachers_field import teachers_fields

_START = ":material/play_arrow:"
_CHOICES = {
    "float32": "float32, full",
    "mixed_bfloat16": "mixed_bfloat16, half",
    "adam": "Adam",
    "sgd": "SGD",
}


def settings_form(config: TrainConfig, dataset: Dataset, initial: Run | None) -> TrainConfig | None:
    """Shows the form, filled with `config`; gives what was chosen, or None until it is sent.

    With an `initial` run, whose weights the new one begins with, the image size is the run's.

    Raises:
        ValueError: a setting is out of its range, or impossible with the architecture.
    """
    if initial is not None:
        size = initial.config.image_size
        config = replace(config, image_size=size, initial_run=initial.id, weights="none")
    # By data set: a press that was meant for one which is gone meanwhile starts nothing.
    with st.form(f"settings-{config.recipe}-{dataset.name}", border=False):
        with st.expander("Settings", icon=":material/tune:"):
            st.caption(
                "Nothing has to be changed: the recipe is complete. Each question mark says what "
                "a setting does."
            )
            settings = _learning(config) | _targets(config, dataset) | _images(config, dataset)
            settings["augmentation"] = _augmentation(config)
            settings |= _computing(config)
        settings |= corrections_field(config, dataset)
        with st.container(horizontal=True):
            start = st.form_submit_button("Start training", type="primary", icon=_START)
            show = st.form_submit_button("Show augmentation", icon=":material/visibility:")
    if not start and not show:
        return None
    chosen = replace(config, dataset=dataset.name, **settings)
    if show:
        show_augmentation(chosen, dataset)
    return chosen if start else None


def _learning(config: TrainConfig) -> dict[str, Any]:
    st.markdown("**Learning**")
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


def _targets(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    st.markdown("**Against learning by heart**")
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
            help="That of the run it starts from."
            if config.initial_run
            else SETTINGS["image_size"].help,
            persist_state="session",
        )
        for name, pixels in zip(("height", "width"), config.image_size, strict=True)
    ]
    own, usual = dataset.has_own_validation, dataset.validation_fraction
    fraction = grid.number_input(
        SETTINGS["validation_fraction"].label,
        value=usual,
        step=SETTINGS["validation_fraction"].step,
        disabled=own,
        key=field_key(config, f"validation_fraction-{dataset.name}"),
        help=f"{dataset.name} brings its own." if own else SETTINGS["validation_fraction"].help,
        persist_state="session",
    )
    expressions = st.multiselect(
        SETTINGS["class_names"].label,
        dataset.class_names,
        placeholder="All of the data set",
        key=field_key(config, f"class_names-{dataset.name}"),
        help=SETTINGS["class_names"].help,
        persist_state="session",
    )
    return {
        "image_size": tuple(sides),
        "validation_fraction": None if own or fraction == usual else fraction,
        "class_names": tuple(expressions),
    }


def _augmentation(config: TrainConfig) -> Augmentation:
    st.markdown("**Augmentation:** how training images are changed, anew in every epoch")
    names = ("rotation", "shift", "shear", "zoom", "contrast", "brightness", "erasing")
    numbers = number_fields(config, config.augmentation, names, columns=4)
    return Augmentation(**numbers, flip=checkbox_field(config, config.augmentation, "flip"))


def _computing(config: TrainConfig) -> dict[str, Any]:
    st.markdown("**Computing and files**")
    names = ("test_at_end", "average_views", "deterministic", "tensorboard")
    with st.container(horizontal=True, gap="medium"):
        settings: dict[str, Any] = {name: checkbox_field(config, config, name) for name in names}
    settings["precision"] = choice_field(config, "precision", PRECISIONS, _CHOICES, field_grid(3))
    return settings
