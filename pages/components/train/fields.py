"""The fields of the settings form, with the words of each setting."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import runs
from fer_core.runs import SETTINGS, TrainConfig


def field_key(config: TrainConfig, name: str) -> str:
    """Under which a field's value is kept: by recipe, whichever page is looked at meanwhile."""
    return f"setting-{config.recipe}-{name}"


def field_grid(columns: int) -> DeltaGenerator:
    """Places for fields side by side, in reading order; fewer where the screen is narrow."""
    return st.grid(columns, min_column_width=150, gap="medium")


def number_fields(
    config: TrainConfig, record: Any, names: Sequence[str], *, columns: int
) -> dict[str, Any]:
    """A field for each number of `record`; gives what was entered."""
    grid = field_grid(columns)
    numbers = {}
    for name in names:
        value, words = getattr(record, name), SETTINGS[name]
        numbers[name] = grid.number_input(
            words.label,
            value=value,
            step=words.step,
            format="%.6g" if isinstance(value, float) else "%d",
            key=field_key(config, name),
            help=words.help,
            persist_state="session",
        )
    return numbers


def checkbox_field(config: TrainConfig, record: Any, name: str) -> bool:
    """A box to tick; what this machine cannot do stays unticked, and says why."""
    words = SETTINGS[name]
    problem = runs.problem() if name == "tensorboard" else ""
    chosen = st.checkbox(
        words.label,
        getattr(record, name),
        disabled=bool(problem),
        key=field_key(config, name),
        help=problem or words.help,
        persist_state="session",
    )
    return chosen and not problem


def choice_field(
    config: TrainConfig,
    name: str,
    choices: Sequence[str],
    words: Mapping[str, str],
    place: DeltaGenerator | None = None,
) -> str:
    """A list to choose a value from; `words` says what each is called."""
    chosen = (place or st).selectbox(
        SETTINGS[name].label,
        choices,
        index=list(choices).index(getattr(config, name)),
        format_func=lambda choice: words.get(choice, choice),
        key=field_key(config, name),
        help=SETTINGS[name].help,
        persist_state="session",
    )
    return str(chosen)
