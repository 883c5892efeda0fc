"""Imports a model of another program: its file, what was found, what to choose, the result."""

from functools import partial

import streamlit as st

from fer_core import runs, tasks
from fer_core.datasets import list_datasets
from fer_core.errors import FerError
from fer_core.model_io.importing import (
    check_model_path,
    discard_inspection,
    imported_run,
    inspected_model,
    pending_inspections,
    submit_inspection,
    submit_uploads,
)
from fer_core.tasks import Task, TaskState, kinds
from pages.components.runs.import_choices import show_choices
from pages.components.shared.access import reading_paths, upload_limit, writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain
from pages.components.shared.task_progress import REFRESH_SECONDS, TaskLabels, show_task, watch

UPLOAD, PATH = "Upload", "Path"
_MAX_UPLOAD = 1024  # MB
_NO_DATASET = ""
_DONE = "imported-run"
_SILENT = (TaskState.FINISHED, TaskState.CANCELLED)  # nothing to stop, and no error
_FORMATS = (
    "**Keras** 1 to 3 (.h5, .hdf5, .keras; or the .json of an architecture together with its "
    "weights), **ONNX** (.onnx) and **LiteRT**, formerly TensorFlow Lite (.tflite). A PyTorch "
    "model can be exported to ONNX with `torch.onnx.export`. The file is read in a separate "
    "process; code in it is never run."
)


def offer_model_import() -> None:
    """Shows a form to choose a file, models that are being imported, and what was imported."""
    for task in reversed(tasks.list_tasks(kinds.IMPORT_MODEL)):
        if task.state not in (TaskState.FINISHED, TaskState.CANCELLED):
            show_task(task, _labels(), finished=partial(_announce, task))
    _show_imported()
    inspections = pending_inspections()
    for inspection in inspections:
        _show_inspection(inspection)
    asked = "import" in st.query_params and not inspections
    with st.expander("Import a model", icon=":material/input:", expanded=asked):
        st.caption(
            "Use a model that was trained by another program as if it had been trained here."
        )
        _choose_file()


def _labels() -> TaskLabels:
    return TaskLabels("Stop importing", "The model was not imported.", "Importing the model.")


def _announce(task: Task) -> None:
    try:
        st.session_state[_DONE] = imported_run(task).id
    except FerError as error:
        st.toast(plain(str(error)))


def _show_imported() -> None:
    run_id = st.session_state.get(_DONE)
    try:
        run = runs.open_run(run_id) if run_id else None
    except FerError:  # it was deleted
        run = None
    if run is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.markdown(f":material/check: **{plain(run.name)}** was imported.", width="stretch")
        for page, label, icon in (
            ("predict", "Predict with it", ":material/face:"),
            ("evaluate", "Evaluate it", ":material/grid_on:"),
        ):
            st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params={"run": run.id})


def _choose_file() -> None:
    source = st.segmented_control(
        "From", [UPLOAD, PATH], default=UPLOAD, required=True, key="import-way"
    )
    submitted = False
    with st.form("import-model", border=False, clear_on_submit=source == UPLOAD):
        if source == UPLOAD:
            files = st.file_uploader(
                "The model's file, or a .json file and its weights",
                accept_multiple_files=True,
                max_upload_size=upload_limit(_MAX_UPLOAD),
                **writing(
                    help="It is copied to the computer that runs FER Studio, and nowhere else."
                ),
            )
        else:
            path = st.text_input(
                "Path of the model on this computer", placeholder="model.h5", **reading_paths()
            )
            weights = st.text_input(
                "Path of its weights, if they are in a second file",
                placeholder="none",
                **reading_paths(),
            )
        dataset = _choose_dataset()
        state = writing() if source == UPLOAD else writing(**reading_paths())
        submitted = st.form_submit_button("Inspect the file", type="primary", **state)
    if submitted:
        try:
            if source == UPLOAD:
                submit_uploads({file.name: file for file in files}, dataset=dataset)
            else:
                second = check_model_path(weights) if weights.strip() else None
                submit_inspection(check_model_path(path), second, dataset=dataset)
        except FerError as error:
            st.error(plain(str(error)))
        else:
            st.query_params.pop("import", None)
            st.rerun()
    st.expander("Supported files", icon=":material/help:").markdown(_FORMATS)


def _choose_dataset() -> str:
    names = [dataset.name for dataset in list_datasets()]
    return str(
        st.selectbox(
            "Labeled faces to try it on",
            [*names, _NO_DATASET],
            format_func=lambda name: name or "None: I know what the model needs",
            help="A file rarely says which pixel values and which order of classes the model was "
            "trained with. Trying it on up to 200 labeled faces shows which fit.",
        )
    )


def _show_inspection(inspection: Task) -> None:
    has_button = False
    with st.container(border=True, key=f"inspection-{inspection.id}"):
        try:
            model = inspected_model(inspection)
            if model is None:
                _show_progress(inspection)
            else:
                show_choices(inspection, model)
        except FerError as error:  # a file of it is damaged
            st.error(plain(str(error)))
        else:
            # What `_show_progress` shows has a button of its own.
            has_button = model is None and inspection.state not in _SILENT
        if not has_button:
            st.button(
                "Discard",
                key=f"discard-{inspection.id}",
                on_click=run_or_toast,
                args=(partial(discard_inspection, inspection),),
                **writing(),
            )


def _show_progress(inspection: Task) -> None:
    labels = TaskLabels("Discard", "", "Inspecting the file.")
    active = inspection.state.is_active
    every = REFRESH_SECONDS if active else None
    st.fragment(_watch, run_every=every)(inspection, labels, active)


def _watch(inspection: Task, labels: TaskLabels, was_active: bool) -> None:
    """Shows the progress until it is known what the file says, also if the task goes on."""
    try:
        if inspected_model(inspection) is not None:
            st.rerun()
    except FerError:
        st.rerun()
    watch(inspection, labels, was_active, stop=partial(discard_inspection, inspection))
