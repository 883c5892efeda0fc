"""Keeps opened datasets and their thumbnails in memory between reruns."""

import numpy as np
import streamlit as st

from fer_core import vision
from fer_core.datasets import Corrections, Dataset, open_dataset
from fer_core.errors import FerError
from fer_core.storage import Stamp, paths, stamp
from pages.components.shared.corrections import corrections_or_empty

THUMBNAIL = 128  # pixels of the longer side


def open_cached(name: str) -> Dataset:
    """Returns the dataset with its index in memory; reads it again after a change.

    Raises:
        FerError: no dataset has that name, or its index is damaged.
    """
    return _open(name, stamp(paths.datasets_root() / name / "index.csv"))


def with_corrections(dataset: Dataset) -> Dataset:
    """Returns the dataset with its current corrections applied; itself if there are none."""
    overlay = corrections_or_empty(dataset)
    if not overlay:
        return dataset
    return _correct(dataset.name, stamp(dataset.directory / "index.csv"), overlay)


def thumbnail(dataset: Dataset, position: int) -> bytes:
    """Returns an image as a JPEG of at most `THUMBNAIL` pixels a side; empty if it is missing."""
    try:
        return _thumbnail(dataset.name, dataset.index["content"].iloc[position], position)
    except FerError:  # not cached: the file may come back
        return b""


@st.cache_resource(max_entries=4, show_spinner="Opening the dataset …")
def _open(name: str, now: Stamp) -> Dataset:
    dataset = open_dataset(name)
    _ = dataset.index  # read here, so that a damaged index is not cached
    return dataset


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Corrections: hash})
def _correct(name: str, now: Stamp, overlay: Corrections) -> Dataset:
    return open_cached(name).with_corrections(overlay)


@st.cache_data(max_entries=4000, show_spinner=False)
def _thumbnail(name: str, content: str, position: int) -> bytes:
    # Few large images are decoded at once, in all sessions.
    return vision.encode(open_cached(name).reader.reduced(position, _shrink), "JPEG")


def _shrink(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    factor = min(1.0, THUMBNAIL / max(height, width))
    return vision.resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
