"""Deletes a dataset after explaining what is removed and what stays."""

from collections.abc import Iterator
from functools import partial

import streamlit as st

from fer_core import access, datasets, runs
from fer_core.datasets import Dataset
from fer_core.errors import FerError
from fer_core.runs import Run
from pages.components.shared.confirmation import ask_before
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.formatting import code, format_run, format_size, plain

_MAX_NAMED = 3  # runs named in a message


def offer_deletion(dataset: Dataset) -> None:
    """Shows a popover with a delete button, disabled while a run uses the dataset."""
    trained = _trained_on(dataset)
    refusal = _refusal(dataset, trained)
    ask_before(
        partial(_delete, dataset),
        lambda: "\n\n".join(_sentences(dataset, 0 if refusal else len(trained))),
        key=f"dataset-{dataset.name}",
        confirm="Delete dataset",
        refusal=refusal,
    )


def _sentences(dataset: Dataset, trained: int) -> Iterator[str]:
    """Yields the question, and what else is deleted or stays.

    Args:
        trained: runs that were trained on the dataset, and may lose it.
    """
    yield f"Delete **{plain(dataset.name)}** {_question(dataset)}"
    if corrections := corrections_or_empty(dataset):
        yield (
            f"Its corrections are deleted too ({datasets.describe_corrections(corrections)}). To "
            "reuse them, download them on the Corrections tab first."
        )
    if trained:
        count = "1 run was" if trained == 1 else f"{trained:,} runs were"
        yield (
            f"{count} trained on it. They stay, but cannot be resumed, and an unopened test split "
            "cannot be evaluated."
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
