"""Finds a learning rate and takes it over into the form."""

import streamlit as st

from fer_core import experiments
from fer_core.figures import rate_figure
from fer_core.runs import TrainConfig
from fer_core.tasks import Task, TaskState
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.live_plot import live_plot
from pages.components.shared.task_progress import TaskLabels, show_task
from pages.components.train.fields import field_key
from pages.components.train.settings_form import open_settings

_LABELS = TaskLabels("Stop", "No learning rate was found.", "**Learning rate.**")


def show_rate_test(config: TrainConfig, dataset: str) -> None:
    """Shows the newest test on a dataset with a recipe: its progress, or its curve.

    Args:
        config: the recipe's settings.
    """
    task = experiments.newest_rate_test(dataset, config.recipe)
    if task is None or task.state is TaskState.CANCELLED or show_task(task, _LABELS, stays=False):
        return
    found = experiments.read_rate_test(task)
    if found is None:
        return
    with st.container(border=True):
        st.markdown("**Learning-rate finder**: the training loss as the learning rate rises")
        figure = rate_figure(found)
        live_plot(figure.to_json(), f"rates-{task.id}", 320, "Loss over learning rates")
        rate = found.suggestion
        with st.container(horizontal=True, vertical_alignment="center"):
            if rate is None:
                st.markdown("No suggestion: the loss did not fall at any learning rate.")
            else:
                st.button(
                    f"Use {rate:g}",
                    type="primary",
                    icon=":material/check:",
                    on_click=_use,
                    args=(config, rate, task),
                    **writing(
                        help="A tenth of the rate with the smallest loss. With a schedule that "
                        "falls, a larger one may be better."
                    ),
                )
            st.button("Discard", key="discard-rate", on_click=_forget, args=(task,), **writing())


def _use(config: TrainConfig, rate: float, task: Task) -> None:
    """Enters the rate into the form, and opens it there."""
    st.session_state[field_key(config, "learning_rate")] = rate
    open_settings()
    _forget(task)


def _forget(task: Task) -> None:
    run_or_toast(task.delete)
