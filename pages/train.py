"""Train a recipe on a data set, and watch it learn."""

import streamlit as st

from fer_core import runs
from fer_core.config import TrainConfig, weights_file
from fer_core.datasets import list_datasets
from fer_core.recipes import RECIPES
from fer_core.runs import Run
from pages.components.dataset_views import show_import_progress, shown_imports
from pages.components.monitor import monitor
from pages.components.pickers import pick_dataset
from pages.components.settings_form import settings_form


def start(config: TrainConfig) -> None:
    """Puts a run into the queue and shows it."""
    weights_file(config)  # a wrong path is refused here, not in the queue
    st.query_params["run"] = runs.submit_run(config).id


def watched_run() -> Run | None:
    """The run in the address, else the one that trains, else the newest."""
    everything = [run for run in runs.list_runs() if not run.is_pretrained]
    chosen = [run for run in everything if run.id == st.query_params.get("run")]
    active = [run for run in reversed(everything) if run.state.is_active]
    return next(iter([*chosen, *active, *everything]), None)


def choose_and_start() -> None:
    """The form for a new run; what is impossible is refused with a sentence."""
    for task in shown_imports():  # a data set that is just being added can be chosen when it is
        show_import_progress(task)
    left, right = st.columns(2, gap="large")
    with left:
        dataset = pick_dataset("Data set")
    name = right.selectbox(
        "Recipe", list(RECIPES), format_func=lambda name: RECIPES[name].title, key="recipe"
    )
    st.markdown(RECIPES[name].description)
    try:
        config = settings_form(RECIPES[name], dataset)
        if config is not None:
            start(config)
    except ValueError as error:
        st.error(str(error))


st.title("Train")
st.caption("Choose a data set and a recipe, start, and watch the network learn.")
run = watched_run()
if run is None or list_datasets():  # a run goes on when its data set is deleted
    choose_and_start()
    run = watched_run()
if run is not None:
    st.divider()
    monitor(run)
