"""A run's curves as TensorBoard event files, beside the tables which hold the truth."""

import logging
import shutil
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LOG = logging.getLogger(__name__)

_OF_AN_EPOCH = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
_OF_A_STEP = ("loss", "accuracy", "images_per_second")


def problem() -> str:
    """A sentence where this machine cannot write such files, else an empty string."""
    if find_spec("tensorboard") is not None:
        return ""
    return "TensorBoard files need the package tensorboard. Install it: `pip install tensorboard`"


class EventFiles:
    """The scalars `epoch/…`, counted by epochs from 0, and `step/…`, counted by steps."""

    def __init__(self, folder: Path, history: pd.DataFrame, steps: pd.DataFrame) -> None:
        """Writes the folder anew from what the tables hold; they were cut at the checkpoint.

        Raises:
            ImportError: the package tensorboard is not there.
        """
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        shutil.rmtree(folder, ignore_errors=True)
        self._writer = EventFileWriter(str(folder))
        # A TensorBoard that is open meanwhile drops what it has read of the run before.
        self._writer.add_event(Event(step=0, session_log=SessionLog(status=SessionLog.START)))
        epoch_times, step_times = _wall_times(history, steps)
        for row, at in zip(history.to_dict("records"), epoch_times, strict=True):
            self._add("epoch", row, _OF_AN_EPOCH, at)
        for row, at in zip(steps.to_dict("records"), step_times, strict=True):
            self._add("step", row, _OF_A_STEP, at)
        self._writer.flush()

    def add_epoch(self, row: Mapping[str, Any]) -> None:
        """Adds a row of `history.csv`; it can be read at once."""
        self._add("epoch", row, _OF_AN_EPOCH, time.time())
        self._writer.flush()

    def add_step(self, row: Mapping[str, Any]) -> None:
        """Adds a row of `steps.csv`; it can be read at once."""
        self._add("step", row, _OF_A_STEP, time.time())
        self._writer.flush()

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()

    def _add(self, unit: str, row: Mapping[str, Any], names: tuple[str, ...], at: float) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=f"{unit}/{name}", simple_value=row[name]) for name in names]
        summary = Summary(value=values)
        self._writer.add_event(Event(wall_time=at, step=int(row[unit]), summary=summary))


def open_event_files(folder: Path, history: pd.DataFrame, steps: pd.DataFrame) -> EventFiles | None:
    """See `EventFiles`; None, and a line in the log, where the package is not there."""
    try:
        return EventFiles(folder, history, steps)
    except ImportError as error:
        LOG.warning("There will be no TensorBoard files: %s", error)
        return None


def _wall_times(history: pd.DataFrame, steps: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """When each row would have been written had training gone on until now without a pause."""
    seconds = np.concatenate([[0.0], history["seconds"].to_numpy(float).cumsum()])
    times = time.time() - seconds[-1] + seconds
    return times[1:], np.interp(steps["epoch"].to_numpy(float), np.arange(len(times)), times)
