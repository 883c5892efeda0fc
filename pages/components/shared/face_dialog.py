"""A dialog that shows one face of a dataset and corrects its label."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from fer_core import datasets, vision
from fer_core.datasets import Dataset
from fer_core.errors import FerError
from pages.components.shared.access import writing
from pages.components.shared.corrections import load_corrections
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import SPLITS, plain

_LARGE = 384  # pixels of the longer side
_PLACE = "place-of-the-large-face"
_DEFAULT_REASON = "by hand"


def show_face(dataset: Dataset, positions: np.ndarray, place: int) -> None:
    """Opens the dialog on the face at index `place` of `positions`."""
    _go(place)
    _show(dataset, positions)


@st.dialog("Face", width="medium", on_dismiss="rerun")  # so that the gallery shows corrections
def _show(dataset: Dataset, positions: np.ndarray) -> None:
    place = int(st.session_state[_PLACE])
    position = int(positions[place])
    row = dataset.index.iloc[position]
    st.code(dataset.reader.name(position), language=None, wrap_lines=True)
    try:
        image = dataset.image(position)
    except FerError as error:
        st.error(plain(str(error)))
    else:
        height, width = image.shape[:2]
        factor = _LARGE / max(height, width)
        large = vision.resize(image, round(height * factor), round(width * factor))
        with st.container(horizontal_alignment="center"):
            st.image(large, alt=row["expression"])
        name, split = plain(row["expression"]), SPLITS.get(row["split"], "Excluded")
        st.markdown(f"**{name}** · {split} · {width}×{height} pixels")
    if votes := datasets.describe_votes(row):
        st.caption(f"FER+ votes: {plain(votes)}")
    show_correction_form(dataset, position)
    _show_navigation(place, len(positions))


def _show_navigation(place: int, total: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            on_click=_go,
            args=(place - 1,),
            disabled=place == 0,
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            on_click=_go,
            args=(place + 1,),
            disabled=place == total - 1,
        )
        st.caption(f"{place + 1:,} of {total:,}", width="content")


def _go(place: int) -> None:
    st.session_state[_PLACE] = place


def show_correction_form(dataset: Dataset, position: int) -> None:
    """Shows the correction of one face and the controls that change it.

    Changes are saved at once. The image file is never changed.
    """
    overlay = load_corrections(dataset)
    if overlay is None:
        return
    (key,) = dataset.keys([position])
    reason, relabeled = overlay.excluded.get(key), overlay.relabeled.get(key)
    added = str(dataset.index["expression"].iloc[position])
    if reason is not None:
        st.warning(f"Excluded: {plain(reason)}", icon=":material/block:")
    elif relabeled is not None:
        st.info(f"{plain(added)} → **{plain(relabeled)}**", icon=":material/edit:")
    _show_expressions(dataset, position, relabeled or added)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason_key = f"reason-{dataset.name}"
        st.text_input(
            "Reason for excluding it",
            placeholder=_DEFAULT_REASON,
            key=reason_key,
            persist_state="session",
        )
        exclude = partial(_exclude, dataset, position, reason_key)
        _action_button("Exclude", ":material/block:", exclude, disabled=reason is not None)
        restore = partial(dataset.restore, [position])
        untouched = reason is None and relabeled is None
        _action_button("Restore original", ":material/undo:", restore, disabled=untouched)
    _show_confirmation(dataset, position, overlay.confirmed.get(key) == (relabeled or added))


def _show_expressions(dataset: Dataset, position: int, shown: str) -> None:
    # The label is part of the key: after a correction made elsewhere a new widget shows it.
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
        **writing(),
    )


def _show_confirmation(dataset: Dataset, position: int, is_confirmed: bool) -> None:
    """Shows the button that confirms a label, so that it is no longer listed as a label issue."""
    label, icon = "Confirm label", ":material/check:"
    if is_confirmed:
        st.caption(":material/check: Label confirmed: it is not listed as a label issue again.")
        label, icon = "Flag this label again", ":material/flag:"
    confirm = partial(dataset.confirm, [position], not is_confirmed)
    _action_button(label, icon, confirm, disabled=False)


def _action_button(label: str, icon: str, action: Callable[[], object], *, disabled: bool) -> None:
    st.button(label, icon=icon, on_click=run_or_toast, args=(action,), **writing(disabled=disabled))


def _exclude(dataset: Dataset, position: int, reason_key: str) -> None:
    dataset.exclude([position], str(st.session_state.get(reason_key) or _DEFAULT_REASON))
