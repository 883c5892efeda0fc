"""Train a recipe on a data set, and watch it learn."""

import streamlit as st

from fer_core import runs
from fer_core.datasets import list_datasets
from fer_core.runs import RECIPES, Run, TrainConfig, settings_here
from fer_core.tasks import queue
from pages.components.shared.dataset_cache import open_cached
from pages.components.shared.dataset_imports import pending_imports, show_import_progress
from pages.components.shared.formatting import plain
from pages.components.shared.pickers import pick_dataset, show_no_dataset
from pages.components.train.initial_run import pick_initial_run
from pages.components.train.monitor import monitor
from pages.components.train.outcome import show_tensorboard
from pages.components.train.queue import show_queue
from pages.components.train.settings_form import settings_form


def start(config: TrainConfig) -> None:
    """Puts a run into the queue and shows it."""
    st.query_params["run"] = runs.submit_run(config).id


def watched_run() -> Run | None:
    """The run in the address, else the one that trains, else the newest."""
    everything = [run for run in runs.list_runs() if not run.is_pretrained]
    wanted = st.query_params.get("run")
    chosen = [run for run in everything if run.id == wanted]
    if wanted and not chosen:
        st.warning(f"The run {plain(wanted)} is not there any more.")
        del st.query_params["run"]
    active = reversed(runs.count_runs().active)
    in_use = (run for run in everything if not run.notes.archived)
    return next(iter([*chosen, *active, *in_use]), None)


def show_imports() -> None:
    """What is just being added, and can be chosen when it is."""
    for task in pending_imports():
        show_import_progress(task, choose=False)


def choose_and_start() -> None:
    """The form for a new run; what is impossible is refused with a sentence."""
    show_imports()
    left, right = st.columns(2, gap="medium")
    with left:
        dataset = pick_dataset("Data set")
    name = right.selectbox(
        "Recipe", list(RECIPES), format_func=lambda name: RECIPES[name].title, key="recipe"
    )
    st.markdown(RECIPES[name].description)
    try:
        recipe = settings_here(name)
        config = settings_form(recipe, open_cached(dataset.name), pick_initial_run(recipe))
        if config is not None:
            start(config)
    except (ValueError, OSError) as error:
        st.error(str(error))


st.title("Train")
st.caption("Choose a data set and a recipe, start, and watch the network learn.")
run = watched_run()
if list_datasets():
    choose_and_start()
    run = watched_run()
else:  # a run goes on when its data set is deleted
    show_imports()
    show_no_dataset()
if run is not None:
    lineup = queue.snapshot("train")  # first, so that what changes meanwhile is another one
    show_queue(run, lineup)
    st.divider()
    monitor(run, lineup)
    show_tensorboard(run)
