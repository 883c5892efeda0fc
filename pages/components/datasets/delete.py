"""Deletes a dataset after explaining what is removed and what stays."""

import streamlit as st

from fer_core import access, datasets, runs
from fer_core.datasets import Dataset
from fer_core.errors import FerError
from fer_core.runs import Run
from pages.components.shared.access import writing
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.formatting import code, format_run, format_size, plain

_MAX_NAMED = 3  # runs named in a message


def offer_deletion(dataset: Dataset) -> None:
    """Shows a popover with a delete button, disabled while a run uses the dataset."""
    trained = _trained_on(dataset)
    refusal = _refusal(dataset, trained)
    with st.popover("Delete …", icon=":material/delete:"):
        st.markdown(f"Delete **{plain(dataset.name)}** {_question(dataset)}")
        if corrections_or_empty(dataset):
            st.markdown(
                "Its corrections are deleted too "
                f"({datasets.describe_corrections(corrections_or_empty(dataset))}). To reuse them, "
                "download them on the Corrections tab first."
            )
        if trained and not refusal:
            count = "1 run was" if len(trained) == 1 else f"{len(trained):,} runs were"
            st.markdown(
                f"{count} trained on it. They stay, but cannot be resumed, and an unopened test "
                "split cannot be evaluated."
            )
        if refusal:
            st.warning(refusal, icon=":material/lock:")
        st.button(
            "Delete dataset",
            type="primary",
            on_click=_delete,
            args=(dataset,),
            **writing(disabled=bool(refusal)),
        )


def _question(dataset: Dataset) -> str:
    if dataset.is_copied:
        return f"and its {dataset.images:,} images{_size(dataset)} in the workspace?"
    if access.current().is_public:  # strangers need not know the folders of this machine
        return f"from this list? Its {dataset.images:,} images are not deleted."
    place = code(str(dataset.root))
    return f"from this list? The {dataset.images:,} images in {place} are not deleted."


def _size(dataset: Dataset) -> str:
    try:
        return f", {format_size(dataset.size_on_disk)},"
    except FerError:  # its index is damaged
        return ""


def _trained_on(dataset: Dataset) -> list[Run]:
    return [run for run in runs.list_runs() if run.config.dataset == dataset.name]


def _refusal(dataset: Dataset, trained: list[Run]) -> str:
    """Returns why the dataset cannot be deleted now; empty if it can."""
    states = [(run, run.state) for run in trained]
    active = [f"{plain(format_run(run))} is {state}" for run, state in states if state.is_active]
    if not active:
        return ""
    more = f", and {len(active) - _MAX_NAMED:,} more" if len(active) > _MAX_NAMED else ""
    return (
        f"{plain(dataset.name)} cannot be deleted while a run uses it: "
        f"{', '.join(active[:_MAX_NAMED])}{more}. Stop the run or wait until it has ended."
    )


def _delete(dataset: Dataset) -> None:
    """Deletes the dataset and removes it from the URL."""
    # A run may have been started since the page was rendered.
    refusal = _refusal(dataset, _trained_on(dataset))
    if refusal:
        st.error(refusal)
        return
    try:
        dataset.delete()
    except FerError as error:
        st.error(plain(str(error)))
        return
    st.query_params.pop("dataset", None)
    st.toast(f"{plain(dataset.name)} was deleted.", icon=":material/delete:")
