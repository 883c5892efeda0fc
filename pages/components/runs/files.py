"""Shows links and downloads for the selected runs."""

from collections.abc import Sequence

import streamlit as st

from fer_core import access
from fer_core.evaluation import Overview
from fer_core.runs import Run
from fer_core.storage import export_csv
from pages.components.runs.report import offer_report
from pages.components.shared.corrections import show_run_corrections
from pages.components.shared.damage import show_damage
from pages.components.shared.downloads import offer_download
from pages.components.shared.formatting import (
    file_name,
    format_run,
    format_run_title,
    format_size,
    plain,
)
from pages.components.shared.scores import show_fold

_MOST = 5  # runs whose files are offered at once


def show_files(chosen: Sequence[Overview]) -> None:
    """Shows links and downloads for up to `_MOST` runs."""
    for one in chosen[:_MOST]:
        with st.container(border=True, gap="small"):
            _show_run(one)
    if len(chosen) > _MOST:
        st.caption(f"Select fewer runs to see the files of the other {len(chosen) - _MOST:,}.")


def _show_run(one: Overview) -> None:
    run = one.run
    title = f"{format_run_title(run)} · " if one.notes.name else ""
    st.markdown(f"**{plain(format_run(run))}**")
    st.caption(plain(title + run.id))
    show_damage(run)
    show_run_corrections(run)
    show_fold(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        if one.config.is_trained and not run.is_pretrained:
            _link("train", "Watch", ":material/show_chart:", run)
        if run.model_file:
            _link("evaluate", "Evaluate", ":material/grid_on:", run)
            _link("predict", "Predict", ":material/face:", run)
        _offer_files(one)
    offer_report(run)


def _link(page: str, label: str, icon: str, run: Run) -> None:
    st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params={"run": run.id})


def _offer_files(one: Overview) -> None:
    run = one.run
    for file in [*([run.model_file] if run.model_file else []), *run.exports]:
        if not access.current().may_read(file, run.directory):  # a link out of the run
            continue
        name = file_name(run.id, file.suffix) if file == run.model_file else file.name
        label = f"{plain(file.name)}, {format_size(file.stat().st_size)}"
        key = f"download-{run.id}-{file.name}"
        offer_download(label, file.read_bytes, name, "application/octet-stream", key=key)
    if one.epochs:
        offer_download(
            "history.csv",
            lambda: export_csv(run.history),
            file_name(run.id, "-history.csv"),
            "text/csv",
            key=f"history-{run.id}",
        )
