"""The fields of the settings form; labels and help come from `SETTINGS`."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import datasets, runs
from fer_core.datasets import Dataset
from fer_core.runs import MOST_SEEDS, SETTINGS, Augmentation, TrainConfig, list_runs
from pages.components.shared.corrections import load_corrections
from pages.components.shared.dataset_cache import with_corrections
from pages.components.shared.formatting import SPLITS, format_run

_SCIENTIFIC_BELOW = 0.01  # smaller values are shown as 1e-4, not 0.0001


def field_key(config: TrainConfig, name: str) -> str:
    """Returns a field's key in the session state; every recipe keeps its own values."""
    return f"setting-{config.recipe}-{name}"


def field_grid(columns: int) -> DeltaGenerator:
    """Returns a grid for fields; it has fewer columns on narrow screens."""
    return st.grid(columns, min_column_width=150, gap="medium")


def setting_fields(
    config: TrainConfig, record: TrainConfig | Augmentation, group: str, grid: DeltaGenerator
) -> dict[str, Any]:
    """Shows a field for each setting of a group that applies to `config`; returns the values.

    Args:
        record: has the values to begin with, `config` or its augmentation.
        grid: for the number fields.
    """
    values = {
        name: getattr(record, name)
        for name, setting in SETTINGS.items()
        if setting.group == group and setting.applies(config) and hasattr(record, name)
    }
    switches = [name for name, value in values.items() if isinstance(value, bool)]
    texts = [name for name, value in values.items() if isinstance(value, str)]
    numbers = [name for name in values if name not in (*switches, *texts)]
    chosen = number_fields(config, {name: values[name] for name in numbers}, grid)
    if switches:
        with st.container(horizontal=True, gap="medium"):
            chosen |= {name: checkbox_field(config, name, values[name]) for name in switches}
    if texts:
        grid = field_grid(3)
        chosen |= {name: text_field(config, name, values[name], grid) for name in texts}
    return chosen


def number_fields(
    config: TrainConfig, values: Mapping[str, float], grid: DeltaGenerator
) -> dict[str, Any]:
    """Shows a number field for each setting; returns the values entered."""
    numbers = {}
    for name, value in values.items():
        setting, key = SETTINGS[name], field_key(config, name)
        numbers[name] = grid.number_input(
            setting.label,
            value=value,
            step=setting.step,
            format=_number_format(st.session_state.get(key, value)),
            key=key,
            help=setting.help,
            persist_state="session",
        )
    return numbers


def _number_format(value: float) -> str:
    """Returns a format that shows the value unrounded: 20, 0.25 or 1e-4."""
    if isinstance(value, int):
        return "%d"
    # Without a precision the browser's %e shows as many digits as the value has.
    return "%e" if 0 < abs(value) < _SCIENTIFIC_BELOW else "%.6g"


def seeds_field(config: TrainConfig, grid: DeltaGenerator) -> int:
    """Shows the number of runs to start, which is not a setting of a run."""
    return grid.number_input(
        "Seeds",
        value=1,
        min_value=1,
        max_value=MOST_SEEDS,
        key=field_key(config, "seeds"),
        help="Queues this many runs that differ only in their seed: Seed, Seed + 1, and so on. "
        "Compared on the Runs page, they show how much the accuracy varies by chance.",
        persist_state="session",
    )


def checkbox_field(config: TrainConfig, name: str, value: bool) -> bool:
    """Shows a checkbox; disabled, with the reason as help, if this machine lacks the feature."""
    setting = SETTINGS[name]
    problem = runs.problem() if name == "tensorboard" else ""
    chosen = st.checkbox(
        setting.label,
        value,
        disabled=bool(problem),
        key=field_key(config, name),
        help=problem or setting.help,
        persist_state="session",
    )
    return chosen and not problem


def text_field(config: TrainConfig, name: str, value: str, place: DeltaGenerator) -> str:
    """Shows a select box if the setting has choices, else a text field."""
    setting, key = SETTINGS[name], field_key(config, name)
    if setting.choices is None:
        text = place.text_input(
            setting.label, value, key=key, help=setting.help, persist_state="session"
        )
        return text.strip()
    labels = dict(setting.choices)
    return place.selectbox(
        setting.label,
        list(labels),
        index=list(labels).index(value),
        format_func=lambda choice: labels.get(choice, choice),
        key=key,
        help=setting.help,
        persist_state="session",
    )


def corrections_field(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    """Shows a checkbox to use the dataset's corrections and what it changes, if there are any."""
    corrections = load_corrections(dataset)
    if not corrections:
        return {}
    is_used = st.checkbox(
        SETTINGS["overlay"].label,
        config.overlay,
        key=field_key(config, f"overlay-{dataset.name}"),
        help=SETTINGS["overlay"].help,
        persist_state="session",
    )
    st.caption(f"{datasets.describe_corrections(corrections)}.{_changed_sizes(dataset)}")
    return {"overlay": is_used}


def _changed_sizes(dataset: Dataset) -> str:
    """Returns a sentence about the splits whose size the corrections change, or an empty string."""
    before, after = dataset.counts().sum(), with_corrections(dataset).counts().sum()
    after = after.reindex(before.index, fill_value=0).astype(int)
    parts = [
        f"{SPLITS[split]} {after[split]:,} instead of {before[split]:,}"
        for split in before.index
        if after[split] != before[split]
    ]
    return f" Images with corrections: {', '.join(parts)}." if parts else ""


def teachers_fields(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    """Shows fields for the teachers and their share, if any run can be a teacher."""
    fitting = {
        run.id: format_run(run)
        for run in list_runs()
        if run.has_keras_model and set(dataset.class_names) & set(run.class_names)
    }
    if not fitting:
        return {}
    key = field_key(config, f"teachers-{dataset.name}")
    if not set(st.session_state.get(key, ())) <= set(fitting):  # one was deleted
        st.session_state.pop(key)
    teachers = st.multiselect(
        SETTINGS["teachers"].label,
        list(fitting),
        format_func=lambda run_id: fitting.get(run_id, run_id),
        placeholder="None: learn from the labels alone",
        key=key,
        help=SETTINGS["teachers"].help,
        persist_state="session",
    )
    share = number_fields(config, {"distillation": config.distillation}, field_grid(4))
    return {"teachers": tuple(teachers), **share}
