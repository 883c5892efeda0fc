"""Names people by hand: tracks of one name are one person, within a file and across files."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from fer_core import access
from fer_core.batches.batch import Batch, save_result
from fer_core.batches.marks import summarize
from fer_core.batches.results import BatchResults
from fer_core.batches.summary import Assigned
from fer_core.errors import FerError
from fer_core.text import is_one_line, shortened

MAX_NAME = 200  # characters


def list_tracks(results: BatchResults) -> pd.DataFrame:
    """Returns a row per track of all files, those with most frames first.

    Returns:
        Columns number (of the file, from 0), file, track, frames, person and is_ignored; a track
        without a name has its own number as its person.
    """
    rows = [
        (number, result.name, int(track), frames, result.assigned.get(track, track))
        for number, result in sorted(results.results.items())
        for track, frames in result.track_frames.items()
    ]
    table = pd.DataFrame(rows, columns=["number", "file", "track", "frames", "person"])
    table = table.sort_values("frames", ascending=False, kind="stable", ignore_index=True)
    is_ignored = table["person"].isna()
    return table.assign(is_ignored=is_ignored, person=table["person"].fillna("").astype(str))


def assign_tracks(batch: Batch, results: BatchResults, changes: Mapping[int, Assigned]) -> None:
    """Gives names to tracks, or ignores them, and recomputes the summaries of their files.

    Args:
        changes: by the number of a file and by track: a name; None to ignore the track; "" to give
            it its number again.

    Raises:
        FerError: the batch is running, a name is not one line, or a file's table is damaged.
        AccessError: changes are switched off.
    """
    access.current().require_write()
    if batch.state.is_active:
        raise FerError("People can be named when the batch has ended. Stop it, or wait.")
    for names in changes.values():
        for name in filter(None, names.values()):
            _check_name(name)
    for number, names in changes.items():
        result = results.results[number]
        assigned = result.assigned | {str(track): name for track, name in names.items()}
        assigned = {track: name for track, name in assigned.items() if name not in ("", track)}
        result = replace(result, assigned=assigned)
        save_result(batch, number, summarize(batch, number, result, results.class_names))


def _check_name(name: str) -> None:
    if name != name.strip() or not is_one_line(name) or len(name) > MAX_NAME:
        raise FerError(
            f"A person's name must be one line of at most {MAX_NAME} characters. Received: "
            f"{shortened(name)}"
        )
