"""Opened data sets and their small pictures, kept in memory between reruns."""

import streamlit as st

from fer_core import vision
from fer_core.datasets import Corrections, Dataset, open_dataset
from fer_core.storage import paths
from pages.components.shared.corrections import current

THUMBNAIL = 128  # pixels of the longer side


def opened(name: str) -> Dataset:
    """The data set with its index in memory, read anew when it changed.

    Raises:
        ValueError: there is none of that name, or its index is damaged.
    """
    index = paths.datasets_root() / name / "index.csv"
    return _opened(name, index.stat().st_mtime_ns if index.exists() else 0)


def corrected(dataset: Dataset) -> Dataset:
    """The data set with its corrections of now; itself where it has none that can be read."""
    overlay = current(dataset)
    if not overlay:
        return dataset
    index = dataset.directory / "index.csv"
    return _corrected(dataset.name, index.stat().st_mtime_ns if index.exists() else 0, overlay)


def thumbnail(dataset: Dataset, position: int) -> bytes:
    """The picture as a JPEG of at most `THUMBNAIL` pixels a side; empty where it is gone."""
    try:
        return _thumbnail(dataset.name, dataset.index["content"].iloc[position], position)
    except ValueError:  # not kept in memory: the file may come back
        return b""


@st.cache_resource(max_entries=4, show_spinner="Opening the data set …")
def _opened(name: str, modified: int) -> Dataset:
    dataset = open_dataset(name)
    _ = dataset.index  # read here: what is damaged is not kept
    return dataset


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Corrections: hash})
def _corrected(name: str, modified: int, overlay: Corrections) -> Dataset:
    return opened(name).with_corrections(overlay)


@st.cache_data(max_entries=4000, show_spinner=False)
def _thumbnail(name: str, content: str, position: int) -> bytes:
    image = opened(name).image(position)
    height, width = image.shape[:2]
    factor = THUMBNAIL / max(height, width)
    if factor < 1:
        image = vision.resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
    return vision.encode(image, "JPEG")
