"""Tells properties of single images that were measured at import or by the quality scan."""

import numpy as np
import pandas as pd

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.quality.measures import READABLE, load_measures, measures_file
from fer_core.datasets.quality.scan_results import images_key, read_scan_result

# Columns of `image_properties`, with what the numbers are.
IMAGE_PROPERTIES = {
    "brightness": "mean gray level, 0 to 255",
    "contrast": "standard deviation of the gray levels",
    "sharpness": "variance of the Laplacian relative to that of the pixels",
    "face size": "side in pixels: the square root of height × width of the face's crop",
}


def image_properties(dataset: Dataset) -> pd.DataFrame | None:
    """Returns IMAGE_PROPERTIES, float, with a row per row of the index; NaN if it is unreadable.

    None if the images, as they are in the index, were measured neither at import nor by a scan.
    """
    table = _measured(dataset)
    if table is None:
        return None
    readable = table["problem"] == READABLE
    area = table["height"].astype(float) * table["width"]
    columns = (table["mean"], table["deviation"], table["sharpness"], np.sqrt(area))
    values = [np.where(readable, column, np.nan).astype(float) for column in columns]
    return pd.DataFrame(dict(zip(IMAGE_PROPERTIES, values, strict=True)))


def _measured(dataset: Dataset) -> np.ndarray | None:
    result = read_scan_result(dataset)
    index = dataset.stored_index
    if result and len(result.table) == len(index) and result.key == images_key(index):
        return result.table
    measures = load_measures(measures_file(dataset.last_pixels_key()))
    return measures if measures is not None and len(measures) == len(index) else None
