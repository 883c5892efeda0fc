"""Lists all runs to filter, compare, star, archive, download, export and delete."""

from collections.abc import Sequence

import streamlit as st

from fer_core import evaluation, runs
from fer_core.evaluation import Overview
from pages.components.runs.comparison import show_comparison
from pages.components.runs.delete import offer_deletion, show_damaged
from pages.components.runs.ensemble import offer_ensemble, show_members, show_progress
from pages.components.runs.experiments.listing import show_experiments
from pages.components.runs.export import offer_export
from pages.components.runs.files import show_files
from pages.components.runs.filters import filter_runs, show_none_found
from pages.components.runs.import_model import offer_model_import
from pages.components.runs.notes import edit_notes, offer_marks
from pages.components.runs.table import choose_runs
from pages.components.shared.errors import show_reported_errors


def show_chosen(chosen: Sequence[Overview]) -> None:
    """Shows actions for the selected runs and compares them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        count = "1 run" if len(chosen) == 1 else f"{len(chosen):,} runs"
        st.markdown(f"**{count}** selected", width="content")
        offer_marks(chosen)
        offer_deletion([one.run for one in chosen])
        if len(chosen) > 1:
            offer_ensemble([one.run for one in chosen])
    if len(chosen) == 1:
        show_files(chosen)
        show_members(chosen[0].run)
        if not chosen[0].run.is_pretrained:
            edit_notes(chosen[0])
        offer_export(chosen[0].run)
    show_comparison([one.run for one in chosen])
    if len(chosen) > 1:  # with several runs, the comparison comes first
        st.subheader("Models and files", anchor=False)
        show_files(chosen)


st.title("Runs")
st.caption("All trained models. Select runs to compare, star, archive or delete them.")

offer_model_import()
with st.container():  # what is below stays as it is when one is deleted
    show_damaged(runs.unreadable_runs())
show_progress()
everything = [evaluation.overview(run) for run in runs.list_runs()]
if not everything:
    show_reported_errors()
    st.info("There are no runs yet.", icon=":material/model_training:")
    st.page_link("pages/train.py", label="Train a model", icon=":material/arrow_forward:")
    st.stop()

trials = show_experiments()
found = filter_runs(everything)
if found:
    chosen = choose_runs(found)
else:
    show_none_found()
    chosen = []
chosen += [one for one in trials if one not in chosen]
show_reported_errors()
if chosen:
    show_chosen(chosen)
elif found:
    st.caption("Select runs with the checkboxes on the left to see curves and files.")
