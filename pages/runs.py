"""All runs: compare their curves, take the models away, clean up."""

from collections.abc import Sequence

import streamlit as st

from fer_core import runs
from fer_core.runs import Run
from pages.components.comparison import show_comparison
from pages.components.run_table import choose_runs
from pages.components.words import plain, spoken_size, spoken_title


def show_actions(run: Run) -> None:
    """Where to go on with a run, and its files."""
    with st.container(border=True):
        st.markdown(f"**{spoken_title(run)}**  \n{run.name}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if not run.is_pretrained:
                link("train", "Watch", ":material/show_chart:", run)
            if run.model_file:
                link("evaluate", "Evaluate", ":material/grid_on:", run)
                link("predict", "Predict", ":material/face:", run)
            offer_files(run)


def link(page: str, label: str, icon: str, run: Run) -> None:
    """A link to a page that shows this run."""
    st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params={"run": run.id})


def offer_files(run: Run) -> None:
    """Buttons that download the model, its exports and the history."""
    files = [*([run.model_file] if run.model_file else []), *run.exports]
    for file in files:
        st.download_button(
            f"{file.name}, {spoken_size(file.stat().st_size)}",
            file.read_bytes,
            file_name=f"{run.id}.keras" if file == run.model_file else file.name,
            icon=":material/download:",
            on_click="ignore",
            key=f"download-{run.id}-{file.name}",
        )
    if len(run.history):
        st.download_button(
            "history.csv",
            run.history.to_csv(index=False),
            file_name=f"{run.id}-history.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=f"history-{run.id}",
        )


def offer_deletion(chosen: Sequence[Run], key: str = "chosen") -> None:
    """Deletes the runs after it was said how much goes."""
    what = "this run" if len(chosen) == 1 else f"these {len(chosen)} runs"
    with st.popover("Delete …", icon=":material/delete:", key=f"deletion-{key}"):
        size = spoken_size(sum(run.size_on_disk() for run in chosen))
        st.markdown(f"Delete {what} with model, history and predictions? That frees **{size}**.")
        st.markdown("\n".join(f"- {run.name}" for run in chosen))
        if st.button(
            "Delete for good",
            type="primary",
            icon=":material/delete_forever:",
            key=f"delete-{key}",
        ):
            delete(chosen)


def delete(chosen: Sequence[Run]) -> None:
    """Deletes what may be deleted, and says of the others why not."""
    refusals = []
    for run in chosen:
        try:
            run.delete()
        except ValueError as error:
            refusals.append(str(error))
    for refusal in refusals:
        st.error(refusal)
    if not refusals:
        st.rerun()


st.title("Runs")
st.caption("Everything that was trained. Choose one or several to compare, download or delete.")

for damaged in runs.unreadable_runs():
    st.warning(plain(damaged.problem), icon=":material/folder_off:")
    offer_deletion([damaged], key=damaged.id)
everything = runs.list_runs()
if not everything:
    st.info("Nothing has been trained yet.", icon=":material/model_training:")
    st.page_link("pages/train.py", label="Train a first run", icon=":material/arrow_forward:")
    st.stop()

chosen = choose_runs(everything)
if not chosen:
    st.caption("Tick the boxes at the left of the table to see curves and files.")
    st.stop()
show_comparison(chosen)
for run in chosen:
    show_actions(run)
offer_deletion(chosen)
