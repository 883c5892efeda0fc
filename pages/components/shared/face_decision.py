"""Lets a person decide about one face: as it was added, another expression, or left out."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from fer_core.datasets import Dataset
from pages.components.shared.corrections import kept
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain

_USUAL = "by hand"  # the reason, where nobody gives another


def offer_decision(dataset: Dataset, position: int) -> None:
    """What was decided about the face at that position, and the ways to decide anew.

    Whatever is pressed is kept at once; the image itself is never changed.
    """
    overlay = kept(dataset)
    if overlay is None:
        return
    (key,) = dataset.keys([position])
    reason, relabelled = overlay.excluded.get(key), overlay.relabeled.get(key)
    added = str(dataset.index["expression"].iloc[position])
    if reason is not None:
        st.warning(f"Left out: {plain(reason)}", icon=":material/block:")
    elif relabelled is not None:
        st.info(f"{plain(added)} → **{plain(relabelled)}**", icon=":material/edit:")
    _offer_expressions(dataset, position, relabelled or added)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = f"reason-{dataset.name}"
        st.text_input(
            "Why it is left out",
            placeholder=_USUAL,
            key=place,
            persist_state="session",
        )
        exclude = partial(_exclude, dataset, position, place)
        _act("Leave out", ":material/block:", exclude, reason is not None)
        restore = partial(dataset.restore, [position])
        _act("Keep as added", ":material/undo:", restore, reason is None and relabelled is None)
    _offer_to_confirm(dataset, position, overlay.confirmed.get(key) == (relabelled or added))


def _offer_expressions(dataset: Dataset, position: int, shown: str) -> None:
    # By what is shown: a decision that was taken elsewhere makes it another widget.
    key = f"expression-{dataset.name}-{position}-{shown}"
    st.pills(
        "Expression",
        dataset.class_names,
        default=shown,
        required=True,
        format_func=plain,
        key=key,
        on_change=run_or_toast,
        args=(lambda: dataset.relabel([position], st.session_state[key]),),
    )


def _offer_to_confirm(dataset: Dataset, position: int, is_confirmed: bool) -> None:
    """A label that a person found right is not called doubtful again."""
    label, icon = "The label is right", ":material/check:"
    if is_confirmed:
        st.caption(":material/check: The label was found right: it is not called doubtful again.")
        label, icon = "Doubt the label again", ":material/question_mark:"
    _act(label, icon, partial(dataset.confirm, [position], not is_confirmed), False)


def _act(label: str, icon: str, action: Callable[[], object], disabled: bool) -> None:
    st.button(label, icon=icon, on_click=run_or_toast, args=(action,), disabled=disabled)


def _exclude(dataset: Dataset, position: int, place: str) -> None:
    dataset.exclude([position], str(st.session_state.get(place) or _USUAL))
