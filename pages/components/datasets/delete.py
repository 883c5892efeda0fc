"""Deletes a data set after it was said what goes and what stays."""

import streamlit as st

from fer_core import datasets, runs
from fer_core.datasets import Dataset
from fer_core.runs import Run
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.formatting import format_run, format_size, plain

_NAMED = 3  # runs in a sentence


def offer_deletion(dataset: Dataset) -> None:
    """A button that asks before it deletes; it cannot be pressed while a run uses the data set."""
    trained = _trained_on(dataset)
    refusal = _refusal(dataset, trained)
    with st.popover("Delete …", icon=":material/delete:"):
        st.markdown(f"Delete **{dataset.name}** {_what_goes(dataset)}")
        if corrections := corrections_or_empty(dataset):
            st.markdown(
                f"Its corrections go too ({datasets.describe_corrections(corrections)}): "
                "download them first, and another data set of the same images can take them over."
            )
        if trained and not refusal:
            count = "1 run was" if len(trained) == 1 else f"{len(trained):,} runs were"
            st.markdown(
                f"{count} trained on it and will stay, but can no longer be resumed, and a sealed "
                "test split can no longer be opened."
            )
        if refusal:
            st.warning(refusal, icon=":material/lock:")
        st.button(
            "Delete the data set",
            type="primary",
            on_click=_delete,
            args=(dataset,),
            disabled=bool(refusal),
        )


def _what_goes(dataset: Dataset) -> str:
    if dataset.is_copied:
        return f"and its {dataset.images:,} images{_size(dataset)} that were copied in?"
    return f"from this list? The {dataset.images:,} images in `{dataset.root}` stay untouched."


def _size(dataset: Dataset) -> str:
    try:
        return f", {format_size(dataset.size_on_disk)},"
    except ValueError:  # its index, which tells, is damaged
        return ""


def _trained_on(dataset: Dataset) -> list[Run]:
    return [run for run in runs.list_runs() if run.config.dataset == dataset.name]


def _refusal(dataset: Dataset, trained: list[Run]) -> str:
    """Why the data set must stay for now, naming the runs; empty where nothing speaks for it."""
    states = [(run, run.state) for run in trained]
    active = [f"{plain(format_run(run))} is {state}" for run, state in states if state.is_active]
    if not active:
        return ""
    more = f", and {len(active) - _NAMED:,} more" if len(active) > _NAMED else ""
    return (
        f"{dataset.name} must not be deleted while a run uses it. "
        f"{', '.join(active[:_NAMED])}{more}: stop it, or wait until it has ended."
    )


def _delete(dataset: Dataset) -> None:
    """Removes it, and its name from the address."""
    # Asked again: a run may have been started since the page was shown.
    refusal = _refusal(dataset, _trained_on(dataset))
    if refusal:
        st.error(refusal)
        return
    dataset.delete()
    st.query_params.pop("dataset", None)
    st.toast(f"{dataset.name} was deleted.", icon=":material/delete:")
