"""The Train page: starts runs and shows their progress."""

import streamlit as st

from fer_core import runs
from fer_core.datasets import list_datasets
from fer_core.errors import FerError
from fer_core.runs import RECIPES, Run, TrainConfig, settings_here
from fer_core.tasks import kinds, queue
from pages.components.shared.dataset_cache import open_cached
from pages.components.shared.dataset_imports import pending_imports, show_import_progress
from pages.components.shared.formatting import plain
from pages.components.shared.pickers import pick_dataset, show_no_dataset
from pages.components.train.folds import choose_folds, plan_folds
from pages.components.train.initial_run import pick_initial_run
from pages.components.train.monitor import monitor
from pages.components.train.outcome import show_tensorboard
from pages.components.train.queue import show_queue
from pages.components.train.rate_finder import show_rate_test
from pages.components.train.settings_form import START, settings_form
from pages.components.train.sweep import choose_sweep, plan_sweep, show_plan, show_started


def start(config: TrainConfig, seeds: int) -> None:
    """Queues a run for each seed and shows the first."""
    st.query_params["run"] = runs.submit_seeds(config, seeds)[0].id


def watched_run() -> Run | None:
    """Returns the run in the URL, else the one that is training, else the newest."""
    every = runs.list_runs()
    own_runs = [run for run in every if run.config.is_trained and not run.is_pretrained]
    run_id = st.query_params.get("run")
    chosen = [run for run in own_runs if run.id == run_id]
    if run_id and not chosen:
        st.warning(f"The run {plain(run_id)} does not exist any more.")
        del st.query_params["run"]
    active = reversed(runs.count_runs().active)
    visible = (run for run in own_runs if not run.notes.archived)
    return next(iter([*chosen, *active, *visible]), None)


def show_imports() -> None:
    """Shows datasets that are being added; they can be selected once that has finished."""
    for task in pending_imports():
        show_import_progress(task, choose=False)


def choose_and_start() -> None:
    """Shows the form for a new run, and an error if its settings are invalid."""
    show_imports()
    left, right = st.columns(2, gap="medium")
    with left:
        dataset = pick_dataset("Dataset")
    name = right.selectbox(
        "Recipe", list(RECIPES), format_func=lambda name: RECIPES[name].title, key="recipe"
    )
    st.markdown(RECIPES[name].description)
    try:
        recipe = settings_here(name)
        initial = pick_initial_run(recipe)
        switches = st.container(horizontal=True, gap="medium")
        sweep = choose_sweep(recipe, switches)
        folds = None if sweep else choose_folds(open_cached(dataset.name), switches)
        label = "Plan the sweep" if sweep else "Plan the folds" if folds else START
        chosen = settings_form(recipe, open_cached(dataset.name), initial, label)
        if chosen is not None and sweep is not None:
            plan_sweep(chosen[0], sweep)
        elif chosen is not None and folds is not None:
            plan_folds(chosen[0], folds)
        elif chosen is not None:
            start(*chosen)
        show_plan()
        show_rate_test(recipe, dataset.name)
    except (FerError, OSError) as error:
        st.error(plain(str(error)))


st.title("Train")
st.caption("Choose a dataset and a recipe, start training, and watch the curves.")
run = watched_run()
if list_datasets():
    choose_and_start()
    show_started()
    run = watched_run()
else:  # a run keeps training when its dataset is deleted
    show_imports()
    show_no_dataset()
if run is not None:
    snapshot = queue.snapshot(kinds.TRAIN)  # taken first: later changes rerun the page
    show_queue(run, snapshot)
    st.divider()
    monitor(run, snapshot)
    show_tensorboard(run)
