"""The form with every setting of a recipe."""

from dataclasses import replace
from typing import Any

import streamlit as st

from fer_core import tensorboard
from fer_core.config import PRECISIONS, Augmentation, TrainConfig
from fer_core.datasets import Dataset
from fer_core.recipes import Recipe
from fer_core.runs import Run
from fer_core.settings import SETTINGS


def settings_form(recipe: Recipe, dataset: Dataset, initial: Run | None) -> TrainConfig | None:
    """Shows the form; gives the chosen settings when "Start training" was pressed, else None.

    With an `initial` run, whose weights the new one begins with, the image size is the run's.

    Raises:
        ValueError: a setting is out of its range, or impossible with the architecture.
    """
    config = recipe.config
    if initial is not None:
        size = initial.config.image_size
        config = replace(config, image_size=size, initial_run=initial.id, weights="none")
    # By data set: a press that was meant for one which is gone meanwhile starts nothing.
    with st.form(f"settings-{config.recipe}-{dataset.name}", border=False):
        with st.expander("Settings", icon=":material/tune:"):
            settings = _learning(config) | _data(config, dataset) | _ending(config)
            settings["augmentation"] = _augmentation(config)
        pressed = st.form_submit_button(
            "Start training", type="primary", icon=":material/play_arrow:"
        )
    return replace(config, dataset=dataset.name, **settings) if pressed else None


def _learning(config: TrainConfig) -> dict[str, Any]:
    names = ("epochs", "batch_size", "learning_rate", "learning_rate_decay")
    frozen = ("feature_views",) if config.has_frozen_backbone else ()
    return _numbers(config, config, (*names, "seed", "early_stopping", *frozen), columns=3)


def _data(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    one, two, three = st.columns(3, gap="medium")
    sides = [
        place.number_input(
            f"Image {name}",
            value=pixels,
            disabled=bool(config.initial_run),
            key=_key(config, f"{name}-{config.initial_run}"),
            help="That of the run it starts from."
            if config.initial_run
            else SETTINGS["image_size"].help,
            persist_state="session",
        )
        for place, name, pixels in zip(
            (one, two), ("height", "width"), config.image_size, strict=True
        )
    ]
    own, usual = dataset.has_own_validation, dataset.validation_fraction
    fraction = three.number_input(
        SETTINGS["validation_fraction"].label,
        value=usual,
        step=SETTINGS["validation_fraction"].step,
        disabled=own,
        key=_key(config, f"validation_fraction-{dataset.name}"),
        help=f"{dataset.name} brings its own." if own else SETTINGS["validation_fraction"].help,
        persist_state="session",
    )
    expressions = st.multiselect(
        SETTINGS["class_names"].label,
        dataset.class_names,
        placeholder="All of the data set",
        key=_key(config, f"class_names-{dataset.name}"),
        help=SETTINGS["class_names"].help,
        persist_state="session",
    )
    return {
        "image_size": tuple(sides),
        "validation_fraction": None if own or fraction == usual else fraction,
        "class_names": tuple(expressions),
        "class_weights": _checkbox(config, config, "class_weights"),
    }


def _augmentation(config: TrainConfig) -> Augmentation:
    st.markdown("**Augmentation** of training images, drawn anew in every epoch")
    names = ("rotation", "shift", "shear", "zoom")
    numbers = _numbers(config, config.augmentation, names, columns=4)
    return Augmentation(**numbers, flip=_checkbox(config, config.augmentation, "flip"))


def _ending(config: TrainConfig) -> dict[str, Any]:
    names = ("test_at_end", "deterministic", "tensorboard")
    settings: dict[str, Any] = {name: _checkbox(config, config, name) for name in names}
    settings["precision"] = st.selectbox(
        SETTINGS["precision"].label,
        PRECISIONS,
        index=PRECISIONS.index(config.precision),
        key=_key(config, "precision"),
        help=SETTINGS["precision"].help,
        persist_state="session",
    )
    if config.family == "vgg19" and not config.initial_run:
        label, text = SETTINGS["weights"].label, SETTINGS["weights"].help
        weights = st.text_input(
            label, config.weights, key=_key(config, "weights"), help=text, persist_state="session"
        )
        settings["weights"] = weights.strip()
    return settings


def _numbers(
    config: TrainConfig, record: Any, names: tuple[str, ...], *, columns: int
) -> dict[str, Any]:
    places = st.columns(columns, gap="medium")
    numbers = {}
    for number, name in enumerate(names):
        value, words = getattr(record, name), SETTINGS[name]
        numbers[name] = places[number % columns].number_input(
            words.label,
            value=value,
            step=words.step,
            format="%.6g" if isinstance(value, float) else "%d",
            key=_key(config, name),
            help=words.help,
            persist_state="session",
        )
    return numbers


def _checkbox(config: TrainConfig, record: Any, name: str) -> bool:
    words = SETTINGS[name]
    problem = tensorboard.problem() if name == "tensorboard" else ""
    chosen = st.checkbox(
        words.label,
        getattr(record, name),
        disabled=bool(problem),
        key=_key(config, name),
        help=problem or words.help,
        persist_state="session",
    )
    return chosen and not problem


def _key(config: TrainConfig, name: str) -> str:
    # A recipe keeps what was started with it when another one, or another page, is looked at.
    return f"setting-{config.recipe}-{name}"
