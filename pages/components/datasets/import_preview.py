"""Shows how a new dataset will be read, lets that be changed, and adds the dataset."""

from dataclasses import replace
from functools import partial

import streamlit as st

from fer_core.datasets import SPLITS
from fer_core.datasets.importing import FACES, PREVIEW, PROPOSAL, Preview, Proposal
from fer_core.datasets.layouts import LAYOUTS, MAX_FRAMES, NUMBERINGS, Choices, choices_of
from fer_core.errors import FerError
from fer_core.storage import read_bytes, read_record
from fer_core.tasks import Task
from fer_core.text import counted
from pages.components.datasets.class_editor import (
    ClassEditor,
    Edited,
    show_questions,
)
from pages.components.datasets.subject_pattern import edit_pattern
from pages.components.shared.access import WidgetState, writing
from pages.components.shared.dataset_imports import (
    discard,
    is_pending,
    preview_again,
    submit_import,
)
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import SPLITS as SPLIT_NAMES
from pages.components.shared.formatting import badge, plain
from pages.components.shared.task_progress import REFRESH_SECONDS, TaskLabels, watch

_MAX_PICTURE_BYTES = 1_000_000
_CLEAR = 0.15  # by which a share must be larger to speak against the current numbering
_COLUMNS = {  # what they hold
    "image": "images",
    "label": "expressions",
    "split": "splits",
    "pixels": "pixels",
    "subject": "persons",
    "group": "sequences",
}


@st.fragment
def show_import_preview(task: Task) -> None:
    """Shows a preview, or its progress, with buttons that add the dataset or discard it."""
    if not is_pending(task):  # a button has just ended it, here or in another tab
        st.rerun()
    with st.container(border=True, key=f"preview-{task.id}"):
        st.subheader(f"Add {plain(_name(task))}", anchor=False)
        try:
            preview = read_record(task.directory / PREVIEW, Preview)
            if preview is None:
                _show_progress(task)
            elif preview.problem:
                _show_unread(task, preview)
            else:
                _show_preview(task, preview)
        except FerError as error:  # a file of the preview is damaged
            st.error(plain(str(error)))
            _discard_button(task)


def _show_progress(task: Task) -> None:
    name = plain(_name(task))
    labels = TaskLabels(
        "Cancel",
        f"**{name}** cannot be added.",
        doing=f"Reading **{name}**.",
        stopped=f"Reading **{name}** was stopped.",
    )
    active = task.state.is_active
    st.fragment(_watch, run_every=REFRESH_SECONDS if active else None)(task, labels, active)


def _watch(task: Task, labels: TaskLabels, was_active: bool) -> None:
    """Shows the progress until there is a preview, also if the task goes on."""
    if (task.directory / PREVIEW).exists():
        st.rerun()
    watch(task, labels, was_active, stays=False)


def _show_unread(task: Task, preview: Preview) -> None:
    st.error(plain(preview.problem))
    if preview.others or preview.header:
        st.markdown("If this is not right, choose another layout or other columns.")
        _show_source_fields(task, preview, choices_of(preview.choices))
    _discard_button(task)


def _show_preview(task: Task, preview: Preview) -> None:
    key = f"preview-{task.id}-{len(task.attempts)}"
    start = choices_of(preview.choices)
    _show_facts(preview)
    proposal = _show_proposal(task, preview, key)
    pictures = partial(_pictures, task)
    edited = ClassEditor(preview, start, key, pictures, proposal).show()
    asks = bool(preview.questions or preview.places)
    if preview.others or preview.header or preview.places or preview.has_sequences:
        with st.expander("Layout, columns and folders", icon=":material/table:", expanded=asks):
            _show_source_fields(task, preview, edited.choices)
    _show_pattern(task, preview, edited.choices)
    open_questions = replace(edited, questions=(*preview.questions, *edited.questions))
    show_questions(open_questions)
    _show_buttons(task, open_questions)


def _show_facts(preview: Preview) -> None:
    images = sum(preview.classes.values()) + preview.omitted
    with st.container(horizontal=True):
        st.markdown(badge(preview.layout, icon=":material/folder_open:"), width="content")
        st.badge(counted(images, "image"), color="gray")
        st.badge(counted(len(preview.classes), "class", "classes"), color="gray")
    lines = [preview.summary, *preview.notes]
    others = [LAYOUTS[name].title for name in preview.others if not LAYOUTS[name].only_chosen]
    if others:
        lines.insert(1, f"Other layouts that fit: {', '.join(others)}.")
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def _show_proposal(task: Task, preview: Preview, key: str) -> Proposal | None:
    """Shows what the pretrained model says of the numberings, or that it is being asked."""
    proposal = read_record(task.directory / PROPOSAL, Proposal)
    if task.state.is_active:
        is_asked = proposal is None and preview.has_numbers()
        st.fragment(_wait_for_end, run_every=REFRESH_SECONDS)(task, is_asked)
    if proposal is None:
        return None
    field = ClassEditor.numbering_key(key)
    own = preview.read(choices_of(preview.choices))[0].numbering
    current = st.session_state.get(field, own) or ""
    best = proposal.best
    gain = proposal.shares[best] - proposal.shares.get(current, 0.0)
    contradicts = bool(current) and gain > _CLEAR
    with st.container(horizontal=True, vertical_alignment="center"):
        show = st.warning if contradicts else st.info
        show(plain(proposal.sentence(current)), icon=":material/model_training:")
        if current != best:
            st.button(
                f"Use {NUMBERINGS[best].title}'s numbering",
                on_click=_choose,
                args=(field, best),
                key=f"{key}-propose",
            )
    return proposal


def _wait_for_end(task: Task, is_asked: bool) -> None:
    """Draws the whole preview again once the task ends, or the pretrained model has answered."""
    if not task.state.is_active or (is_asked and (task.directory / PROPOSAL).exists()):
        st.rerun()
    if is_asked:
        st.caption("Asking the pretrained model which numbering it agrees with …")


def _choose(field: str, value: str) -> None:
    st.session_state[field] = value


def _show_source_fields(task: Task, preview: Preview, choices: Choices) -> None:
    """Shows what is read from the source: a change reads it again."""
    state = _changing(task)
    cells = st.columns(2)
    key = f"source-{task.id}-{len(task.attempts)}"
    layouts = [*([preview.layout_name] if preview.layout_name else []), *preview.others]
    if layouts:
        cells[0].selectbox(
            "Layout",
            layouts,
            index=0 if preview.layout_name else None,
            format_func=lambda name: LAYOUTS[name].title,
            placeholder="Choose a layout",
            key=f"{key}-layout",
            on_change=_read_again,
            args=(task, choices, "layout", "", f"{key}-layout"),
            **state,
        )
    for number, role in enumerate(_COLUMNS if preview.header else ()):
        _show_column(task, preview, choices, role, key, cells[(number + 1) % 2])
    if preview.has_sequences:
        _show_frames(task, choices, key, cells[1])
    for number, (place, images) in enumerate(preview.places.items()):
        size = f" · {counted(images, 'image')}" if images else ""
        cells[number % 2].selectbox(
            f"{plain(place)}{size}",
            ["", *SPLITS],
            format_func=lambda split: SPLIT_NAMES.get(split, "Not a split"),
            key=f"{key}-place-{number}",
            on_change=_read_again,
            args=(task, choices, "splits", place, f"{key}-place-{number}"),
            **state,
        )


def _show_pattern(task: Task, preview: Preview, choices: Choices) -> None:
    """Shows the pattern of subjects; one that is used reads the source again."""
    if not preview.names:  # of an older version
        return
    is_asked = any(question.about == "subjects" for question in preview.questions)
    expanded = bool(choices.subjects) or is_asked
    with st.expander("Subjects in file names", icon=":material/person_search:", expanded=expanded):
        key = f"subjects-{task.id}-{len(task.attempts)}"
        pattern, is_usable = edit_pattern(choices.subjects, preview.names, key)
        changed = replace(choices, subjects=pattern) if is_usable else choices
        state = _changing(task)
        state["disabled"] = state["disabled"] or changed == choices
        st.button(
            "Use this pattern",
            key=f"{key}-use",
            on_click=run_or_toast,
            args=(partial(preview_again, task, changed),),
            **state,
        )


def _show_frames(
    task: Task, choices: Choices, key: str, cell: "st.delta_generator.DeltaGenerator"
) -> None:
    """Shows which frames of a sequence, labeled as a whole, are used."""
    cell.number_input(
        "Last frames of each sequence",
        1,
        MAX_FRAMES,
        choices.last_frames or None,
        placeholder="Choose how many",
        key=f"{key}-frames",
        on_change=_read_again,
        args=(task, choices, "last_frames", "", f"{key}-frames"),
        **_changing(task),
    )
    cell.checkbox(
        "The first frame is neutral",
        choices.first_frame_neutral,
        key=f"{key}-neutral",
        on_change=_read_again,
        args=(task, choices, "first_frame_neutral", "", f"{key}-neutral"),
        **_changing(task),
    )


def _show_column(
    task: Task,
    preview: Preview,
    choices: Choices,
    role: str,
    key: str,
    cell: "st.delta_generator.DeltaGenerator",
) -> None:
    options = ["", *dict.fromkeys(preview.header)]
    found = preview.columns.get(role, "")
    cell.selectbox(
        f"Column of {_COLUMNS[role]}",
        options,
        index=options.index(found) if found in options else 0,
        format_func=lambda name: name or "None",
        key=f"{key}-{role}",
        on_change=_read_again,
        args=(task, choices, "columns", role, f"{key}-{role}"),
        **_changing(task),
    )


def _changing(task: Task) -> WidgetState:
    """Returns the state of fields whose change reads the source again."""
    busy = task.state.is_active
    return writing(disabled=busy, help="Wait until the model has answered." if busy else None)


def _read_again(task: Task, choices: Choices, what: str, name: str, field: str) -> None:
    """Reads the source again; another layout or column makes other choices meaningless."""
    value = st.session_state[field]
    if what == "layout":
        changed = Choices(layout=value)
    elif what == "columns":
        changed = Choices(layout=choices.layout, columns={**choices.columns, name: value})
    elif what == "splits":
        changed = replace(choices, splits={**choices.splits, name: value})
    else:
        changed = replace(choices, **{what: value})
    run_or_toast(partial(preview_again, task, changed))


def _show_buttons(task: Task, edited: Edited) -> None:
    with st.container(horizontal=True):
        st.button(
            "Add the dataset",
            type="primary",
            icon=":material/add:",
            key=f"add-{task.id}",
            on_click=run_or_toast,
            args=(partial(submit_import, task, edited.choices),),
            **writing(
                disabled=not edited.is_decided,
                help=None if edited.is_decided else "Answer the open questions first.",
            ),
        )
        _discard_button(task)


def _discard_button(task: Task) -> None:
    st.button(
        "Cancel",
        key=f"discard-{task.id}",
        on_click=run_or_toast,
        args=(partial(discard, task),),
        **writing(),
    )


def _pictures(task: Task, number: int) -> list[bytes]:
    """Returns the picture of a class; nothing if none of its images can be read."""
    file = task.directory / FACES / f"{number}.jpg"
    try:
        return [read_bytes(file, max_bytes=_MAX_PICTURE_BYTES)]
    except (FerError, FileNotFoundError):
        return []


def _name(task: Task) -> str:
    request = task.request
    return str(request.arguments.get("name", task.id)) if request else task.id
