"""Writes a run's curves as TensorBoard event files, in addition to its CSV tables."""

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

_EPOCH_SCALARS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
_STEP_SCALARS = ("loss", "accuracy", "images_per_second")


def problem() -> str:
    """Returns a sentence if TensorBoard files cannot be written on this machine, else ""."""
    if find_spec("tensorboard") is not None:
        return ""
    return "TensorBoard files need the package tensorboard. Install it: `pip install tensorboard`"


class EventFiles:
    """Writes the scalars `epoch/…` by epoch, from 0, and `step/…` by step."""

    def __init__(self, folder: Path, history: pd.DataFrame, steps: pd.DataFrame) -> None:
        """Recreates the folder from the tables, which a resumed run truncates to its checkpoint.

        Raises:
            ImportError: the package tensorboard is not installed.
        """
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        shutil.rmtree(folder, ignore_errors=True)
        self._writer = EventFileWriter(str(folder))
        # A running TensorBoard discards what it has read of the previous attempt.
        self._writer.add_event(Event(step=0, session_log=SessionLog(status=SessionLog.START)))
        epoch_times, step_times = _wall_times(history, steps)
        for row, at in zip(history.to_dict("records"), epoch_times, strict=True):
            self._add("epoch", row, _EPOCH_SCALARS, at)
        for row, at in zip(steps.to_dict("records"), step_times, strict=True):
            self._add("step", row, _STEP_SCALARS, at)
        self._writer.flush()

    def add_epoch(self, row: Mapping[str, Any]) -> None:
        """Adds a row of `history.csv` and flushes it."""
        self._add("epoch", row, _EPOCH_SCALARS, time.time())
        self._writer.flush()

    def add_step(self, row: Mapping[str, Any]) -> None:
        """Adds a row of `steps.csv` and flushes it."""
        self._add("step", row, _STEP_SCALARS, time.time())
        self._writer.flush()

    def close(self) -> None:
        """Closes the event file."""
        self._writer.close()

    def _add(self, unit: str, row: Mapping[str, Any], names: tuple[str, ...], at: float) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=f"{unit}/{name}", simple_value=row[name]) for name in names]
        summary = Summary(value=values)
        self._writer.add_event(Event(wall_time=at, step=int(row[unit]), summary=summary))


def open_event_files(folder: Path, history: pd.DataFrame, steps: pd.DataFrame) -> EventFiles | None:
    """Opens `EventFiles`; logs a warning and returns None if tensorboard is not installed."""
    try:
        return EventFiles(folder, history, steps)
    except ImportError as error:
        LOG.warning("No TensorBoard files are written: %s", error)
        return None


def _wall_times(history: pd.DataFrame, steps: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Returns when each row would have been written had training run without a pause until now."""
    seconds = np.concatenate([[0.0], history["seconds"].to_numpy(float).cumsum()])
    times = time.time() - seconds[-1] + seconds
    return times[1:], np.interp(steps["epoch"].to_numpy(float), np.arange(len(times)), times)
