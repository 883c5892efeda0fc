"""The Batch tab: chooses many files and a table of clips, starts a batch, and lists batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import streamlit as st

from fer_core import batches
from fer_core.batches import Batch, BatchSettings
from fer_core.errors import FerError
from fer_core.inference import MAX_FRAME_STEP, VIDEO_SUFFIXES, VideoSettings
from fer_core.runs import Run
from fer_core.vision import IMAGE_SUFFIXES
from pages.components.predict.batches.preview import show_preview
from pages.components.predict.batches.result import show_batch
from pages.components.predict.markers.tables import upload_table
from pages.components.predict.options import PredictOptions
from pages.components.predict.task_list import ListLabels, show_tasks
from pages.components.shared.access import reading_paths, upload_limit, writing
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.formatting import format_run, plain

FOLDER, FILES, UPLOADED_FOLDER = "Folder on this computer", "Upload files", "Upload a folder"
EVERY, PER_SECOND = "Every Nth frame", "Frames per second"
_MAX_FILE_MB = 1024
_UPLOADS = "batch-uploads"  # uploads so far: each gets a new, empty field
_LABELS = ListLabels("Batches", "Batch", "Stop batch", "The batch failed.")
_TYPES = sorted(suffix[1:] for suffix in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES, ".zip"))


@dataclass(frozen=True)
class _Source:
    """Holds the files of a batch: of a folder on this computer, or uploaded."""

    folder: Path | None = None
    uploads: tuple[Any, ...] = ()  # Streamlit's uploaded files

    def __bool__(self) -> bool:
        return self.folder is not None or bool(self.uploads)


def show_batches(options: PredictOptions) -> None:
    """Shows the form, running batches and the chosen ended one."""
    _show_form(options)
    with st.container():
        show_reported_errors()
    show_tasks(batches.list_batches(), _LABELS, _result, show_batch)


def _show_form(options: PredictOptions) -> None:
    st.caption(
        "Processes many photos and videos at once. The results have a row per file and person, "
        "with the participants from your table. Faces are tracked within a file."
    )
    number = st.session_state.setdefault(_UPLOADS, 0)
    source = _choose_source(number)
    patterns = _choose_patterns()
    table = upload_table(
        "Table of clips (CSV), optional",
        f"batch-table-{number}",
        "Columns file, start, end (seconds, or 1:05), participant, condition, and any others. Only "
        "file is needed. Every other column is joined to the results.",
    )
    markers, baseline = _choose_marks(number)
    settings = replace(
        _choose_settings(options),
        patterns=patterns,
        baseline=baseline,
        whole_photos=options.search.whole,
    )
    data, is_valid = table.getvalue() if table else None, bool(source)
    if data is not None:
        settings = replace(settings, only_listed=st.toggle("Only files that the table lists"))
    if source:
        names = [file.name for file in source.uploads]
        is_valid = show_preview(options.run, source.folder, names, settings, (data, markers))
    st.button(
        "Start batch",
        type="primary",
        icon=":material/play_arrow:",
        **writing(disabled=not is_valid),
        on_click=_submit,
        args=(options.run, source, settings, (data, markers)),
    )
    st.caption(
        "A file that cannot be read does not end the batch. Stopping keeps the finished files, and "
        "you can resume later. Uploads are deleted when the batch is complete; files in a folder "
        "are only read. Results stay on this computer until you delete them."
    )


def _choose_source(number: int) -> _Source:
    way = st.segmented_control("Files from", [FOLDER, FILES, UPLOADED_FOLDER], default=FOLDER)
    if way in (FILES, UPLOADED_FOLDER):
        files = st.file_uploader(
            "Photos, videos and .zip archives" if way == FILES else "Folder with photos and videos",
            type=_TYPES,
            accept_multiple_files=True if way == FILES else "directory",
            max_upload_size=upload_limit(_MAX_FILE_MB),
            key=f"batch-{way}-{number}",
            **writing(
                help="Copied only to the computer that runs this dashboard. Uploads are held in "
                "memory first: for many gigabytes choose a folder."
            ),
        )
        return _Source(uploads=tuple(files or ()))
    path = st.text_input(
        "Path of a folder on the computer that runs this dashboard",
        placeholder="/home/me/interviews",
        key="batch-folder",
        **reading_paths(help="Its photos and videos are read, also in the folders within it."),
    )
    if not path.strip():
        return _Source()
    try:
        return _Source(batches.check_folder(Path(path.strip())))
    except FerError as error:
        st.error(plain(str(error)))
        return _Source()


def _choose_patterns() -> tuple[str, ...]:
    text = st.text_input(
        "Only files matching",
        placeholder="all photos and videos",
        help="Patterns, separated by commas: \\*.mp4 for names, session1/\\* for paths. \\* stands "
        "for any characters, ? for one.",
        key="batch-patterns",
    )
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _choose_marks(number: int) -> tuple[bytes | None, str]:
    """Chooses a table of markers, and a baseline for files without their own."""
    with st.expander("Markers and baseline, optional", icon=":material/flag:"):
        file = upload_table(
            "Markers and excluded ranges (CSV)",
            f"batch-markers-{number}",
            "Columns file, time, label for markers, or file, start, end, reason for ranges to "
            "exclude. Markers can also be added when the batch has ended.",
        )
        baseline = st.text_input(
            "Baseline",
            key="batch-baseline",
            width=240,
            placeholder="0-5",
            help="A time range of each video, or the name of a file with a neutral face. Its "
            "mean probabilities are subtracted. For a baseline per file, add a column "
            "baseline to the table of clips.",
        )
    return file.getvalue() if file else None, baseline.strip()


def _choose_settings(options: PredictOptions) -> BatchSettings:
    """Chooses which frames of videos are processed."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.segmented_control(
            "Frames of videos", [EVERY, PER_SECOND], default=EVERY, required=True
        )
        step, rate = 1, None
        if way == EVERY:
            step = int(
                st.number_input("N", 1, MAX_FRAME_STEP, 1, width=140, help="1 for every frame.")
            )
        else:
            rate = float(
                st.number_input(
                    "Frames per second", 0.1, batches.MAX_FRAMES_PER_SECOND, 5.0, 1.0, width=160
                )
            )
        smoothing = st.number_input(
            "Smoothing (seconds)",
            0.0,
            10.0,
            VideoSettings.time_constant,
            0.1,
            width=160,
            key="batch-smoothing",
            help="Time constant of the exponential smoothing of probabilities. Answers and peaks "
            "follow the smoothed ones, means the single frames. 0 turns smoothing off.",
        )
    return BatchSettings(options.video_settings(step, float(smoothing)), rate)


def _submit(
    run: Run, source: _Source, settings: BatchSettings, tables: tuple[bytes | None, bytes | None]
) -> None:
    given: dict[str, Any] = dict(zip(("table", "markers"), tables, strict=True))
    given["model_name"] = format_run(run)

    def submit() -> Batch:
        if source.folder is not None:
            return batches.submit_folder(run, source.folder, settings, **given)
        uploads: Sequence[tuple[str, IO[bytes]]] = [(file.name, file) for file in source.uploads]
        return batches.submit_uploads(run, uploads, settings, **given)

    if run_or_report(submit):
        st.session_state[_UPLOADS] += 1  # new fields, which drops the uploads


def _result(batch: Batch) -> str | None:
    summary = batch.summary
    return f"{summary.finished:,} of {summary.files:,} files" if summary else None
