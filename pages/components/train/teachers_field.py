"""The runs whose answers another one learns."""

from typing import Any

import streamlit as st

from fer_core.datasets import Dataset
from fer_core.runs import SETTINGS, TrainConfig, list_runs
from pages.components.shared.formatting import format_run
from pages.components.train.fields import field_key, number_fields


def teachers_fields(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    """Fields for the teachers and their share; nothing where no run could teach."""
    fitting = {
        run.id: format_run(run)
        for run in list_runs()
        if run.model_file is not None and set(dataset.class_names) & set(run.class_names)
    }
    if not fitting:
        return {}
    key = field_key(config, f"teachers-{dataset.name}")
    if not set(st.session_state.get(key, ())) <= set(fitting):  # one was deleted meanwhile
        st.session_state.pop(key)
    teachers = st.multiselect(
        SETTINGS["teachers"].label,
        list(fitting),
        format_func=lambda run_id: fitting.get(run_id, run_id),
        placeholder="None: the labels alone teach",
        key=key,
        help=SETTINGS["teachers"].help,
        persist_state="session",
    )
    share = number_fields(config, config, ("distillation",), columns=4)
    return {"teachers": tuple(teachers), **share}
