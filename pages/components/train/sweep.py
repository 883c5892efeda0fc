"""Plans a sweep: which settings vary and how, and what it will take before it starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import experiments
from fer_core.errors import FerError
from fer_core.experiments import (
    FOLDS,
    GRID,
    MAX_TITLE_CHARS,
    RANDOM,
    TPE,
    VARIABLE,
    Plan,
    Pruning,
)
from fer_core.runs import MAX_TRIALS, SETTINGS, TrainConfig
from fer_core.text import counted
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_duration, format_recipe, plain
from pages.components.train.fields import field_grid

_KINDS = {GRID: "Grid", RANDOM: "Random", TPE: "TPE"}
_KINDS_HELP = (
    "**Grid** trains every combination of the listed values. **Random** draws each setting from "
    "its list or range. **TPE** (Optuna) proposes one trial after another, near the best so far."
)
_LIST, _RANGE, _LOG = "List", "Range", "Logarithmic range"
_PRUNE_HELP = (
    "A trial is stopped when its best validation accuracy is below the median of the other trials "
    "after as many epochs. It can be continued by hand."
)
_ON, _PLAN, _NOTES, _STARTED = "sweep", "sweep-plan", "sweep-notes", "sweep-started"
_MOST_ROWS = 200


@dataclass(frozen=True)
class Sweep:
    """Holds what the user has chosen to vary."""

    kind: str
    values: dict[str, str]  # by setting, as `parse_dimension` reads them
    trials: int
    title: str
    pruning: Pruning | None


def choose_sweep(config: TrainConfig, place: DeltaGenerator) -> Sweep | None:
    """Shows a switch and, if it is on, fields for a sweep; returns the choice, None if off.

    Args:
        place: for the switch.
    """
    is_on = place.toggle(
        "Sweep: train several runs whose settings differ",
        key=_ON,
        help="To find good settings, such as a learning rate: each run has other values of the "
        "settings that you choose. Nothing starts before you have seen the plan.",
        on_change=drop_plan,
        persist_state="session",
    )
    if not is_on:
        return None
    with st.container(border=True):
        kind, trials = _kind_fields()
        names = st.multiselect(
            "Settings that vary",
            VARIABLE,
            ["learning_rate"],
            format_func=lambda name: SETTINGS[name].label,
            key="sweep-settings",
            help="All others are the same in every trial: those of the recipe, or as changed "
            "below. The number of epochs is one of them.",
            persist_state="session",
        )
        texts = {name: _dimension_field(config, name, kind) for name in names}
        title, pruning = _other_fields()
    return Sweep(kind, texts, trials, title, pruning)


def _kind_fields() -> tuple[str, int]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Kind",
            list(_KINDS),
            format_func=_KINDS.__getitem__,
            default=RANDOM,
            required=True,
            key="sweep-kind",
            help=_KINDS_HELP,
            persist_state="session",
        )
        trials = st.number_input(
            "Trials",
            min_value=1,
            max_value=MAX_TRIALS,
            value=12,
            disabled=kind == GRID,
            key="sweep-trials",
            help="The number of runs. A grid has as many as there are combinations.",
            width=160,
            persist_state="session",
        )
    if kind == TPE and experiments.tpe_problem():
        st.warning(plain(experiments.tpe_problem()), icon=":material/extension_off:")
    return kind, trials


def _other_fields() -> tuple[str, Pruning | None]:
    title = st.text_input(
        "Title",
        key="sweep-title",
        max_chars=MAX_TITLE_CHARS,
        placeholder="By default the kind and what varies",
        persist_state="session",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        prunes = st.checkbox(
            "Prune trials that fall behind",
            key="sweep-prune",
            help=_PRUNE_HELP,
            persist_state="session",
        )
        epochs = st.number_input(
            "Epochs before pruning",
            min_value=1,
            value=Pruning().epochs,
            disabled=not prunes,
            key="sweep-prune-epochs",
            help="Each trial is trained for at least this many epochs.",
            width=220,
            persist_state="session",
        )
    return title, Pruning(epochs=epochs) if prunes else None


def _dimension_field(config: TrainConfig, name: str, kind: str) -> str:
    """Shows how a setting varies; returns it as `parse_dimension` reads it."""
    setting, value = SETTINGS[name], config.setting(name)
    key = f"sweep-{config.recipe}-{name}"
    if isinstance(value, bool):
        st.caption(f"{setting.label}: on and off.")
        return "on, off"
    if setting.choices:
        chosen = st.multiselect(
            setting.label,
            list(setting.choices),
            list(setting.choices),
            format_func=setting.choices.__getitem__,
            key=key,
            persist_state="session",
        )
        return ", ".join(chosen)
    how = _LIST
    grid = field_grid(3)
    if experiments.is_number(name) and kind != GRID:
        options = [_LIST, _RANGE, _LOG]
        how = grid.selectbox(
            setting.label,
            options,
            index=2 if name.endswith("learning_rate") else 0,
            key=f"{key}-how",
            help=setting.help,
            persist_state="session",
        )
    if how == _LIST:
        return grid.text_input(
            f"{setting.label}: values",
            _suggested_list(value),
            key=key,
            help="Separated by commas.",
            persist_state="session",
        )
    return _range_fields(name, float(value), how, key, grid)


def _range_fields(name: str, value: float, how: str, key: str, grid: DeltaGenerator) -> str:
    """Shows both ends of a range, at first around a value."""
    setting = SETTINGS[name]
    low, high = (value / 10, value * 10) if value else (setting.low or 0.0, setting.high or 1.0)
    if value and setting.high is not None:
        high = min(high, setting.high)
    if how == _LOG and low <= 0:
        low = high / 1000
    ends = [
        grid.text_input(
            f"{setting.label}: {word}", f"{end:.4g}", key=f"{key}-{word}", persist_state="session"
        )
        for word, end in (("from", low), ("to", high))
    ]
    return f"{ends[0]}..{ends[1]}{':log' if how == _LOG else ''}"


def _suggested_list(value: object) -> str:
    if isinstance(value, tuple):
        height, width = value
        return f"{height}x{width}, {height * 4 // 3}x{width * 4 // 3}"
    if isinstance(value, float):
        return ", ".join(f"{value * factor:.3g}" for factor in (1 / 3, 1, 3)) if value else "0, 0.1"
    if isinstance(value, int):
        return f"{max(1, value // 2)}, {value or 2}, {value * 2 or 4}"
    return str(value)


def plan_sweep(config: TrainConfig, sweep: Sweep) -> None:
    """Keeps the plan of a sweep, for `show_plan` to show it before it starts.

    Raises:
        FerError: nothing varies, what was entered for a setting is neither a list of its values
            nor a range, or the settings of a trial are invalid.
    """
    drop_plan()  # it is not shown again if this one is refused
    space = {name: experiments.parse_dimension(name, text) for name, text in sweep.values.items()}
    plan = experiments.make_plan(
        sweep.kind,
        config,
        space,
        sweep.trials,
        title=sweep.title,
        pruning=sweep.pruning,
    )
    keep_plan(plan)


def keep_plan(plan: Plan, notes: Sequence[str] = ()) -> None:
    """Keeps the plan of an experiment for `show_plan`, with sentences about it."""
    st.session_state[_PLAN], st.session_state[_NOTES] = plan, notes


def drop_plan() -> None:
    """Forgets the plan that was made before."""
    st.session_state.pop(_PLAN, None)


def show_plan() -> None:
    """Shows the runs of the planned experiment and the time that they will take, and starts it."""
    plan: Plan | None = st.session_state.get(_PLAN)
    if plan is None:
        return
    found = experiments.estimate(plan)
    with st.container(border=True):
        epochs = counted(plan.base.epochs, "epoch")
        where = f"{format_recipe(plan.base)} on {plan.base.dataset}"
        st.markdown(f"**{counted(found.runs, 'run')}** of {plain(where)}, {epochs} each.")
        st.caption(_time_text(found.seconds, plan))
        for note in st.session_state[_NOTES]:
            st.caption(plain(note))
        if plan.kind != FOLDS:
            _show_trials(plan)
        with st.container(horizontal=True):
            st.button(
                f"Start {counted(found.runs, 'run')}",
                type="primary",
                icon=":material/play_arrow:",
                on_click=run_or_toast,
                args=(partial(_start, plan),),
                **writing(),
            )
            st.button("Discard", on_click=drop_plan)


def _time_text(seconds: float | None, plan: Plan) -> str:
    if seconds is None:
        return "The time is not known: no run of such a model has been trained here yet."
    said = f"About {format_duration(timedelta(seconds=seconds))}, one run after another"
    return f"{said}, or less with pruning." if plan.pruning else f"{said}."


def _show_trials(plan: Plan) -> None:
    if not plan.trials:
        lines = [f"- {SETTINGS[name].label}: {of}" for name, of in plan.space.items()]
        st.markdown("\n".join(map(str, lines)))
        return
    rows = [
        {SETTINGS[name].label: _cell(value) for name, value in settings.items()}
        for settings in plan.trials[:_MOST_ROWS]
    ]
    with st.expander("Settings of the trials", icon=":material/table:"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="sweep-trials-table")


def _cell(value: object) -> object:
    return "×".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _start(plan: Plan) -> None:
    experiment = experiments.submit_experiment(plan)
    drop_plan()
    if experiment.runs:
        st.query_params["run"] = experiment.runs[0].id
    st.session_state[_STARTED] = experiment.id


def show_started() -> None:
    """Links to the experiment that was started last, as long as it is active.

    Not only once: the page is drawn again as soon as its first run begins to train.
    """
    experiment_id = st.session_state.get(_STARTED)
    if experiment_id is None:
        return
    try:
        is_active = experiments.open_experiment(experiment_id).state.is_active
    except FerError:  # it was deleted
        is_active = False
    if not is_active:
        del st.session_state[_STARTED]
        return
    st.success("The experiment has been queued.", icon=":material/check:")
    st.page_link(
        "pages/runs.py",
        label="Open it on the Runs page",
        icon=":material/arrow_forward:",
        query_params={"experiment": experiment_id},
    )
