"""A preview of the augmentation on faces of the selected dataset."""

import numpy as np
import streamlit as st

from fer_core.datasets import Dataset
from fer_core.models import augmentation_examples
from fer_core.runs import TrainConfig
from fer_core.vision import face_pixels, tile
from pages.components.shared.dataset_cache import with_corrections

_FACES, _EPOCHS = 6, 7
_SIDE = 96  # pixels on the screen


def show_augmentation(config: TrainConfig, dataset: Dataset) -> None:
    """Shows some training faces and how each may be augmented in several epochs.

    Uses the function that training uses, at the model's input size, and leaves out images that the
    corrections exclude if the settings use them.

    Raises:
        FerError: images of the dataset are missing or damaged.
    """
    positions = (with_corrections(dataset) if config.overlay else dataset).select("train")
    selected = positions[np.linspace(0, len(positions) - 1, min(_FACES, len(positions)), dtype=int)]
    pixels = np.stack(
        [
            face_pixels(
                dataset.image(int(position)),
                config.image_size,
                config.channels,
                gray=dataset.is_gray,
            )
            for position in selected
        ]
    )
    rows = augmentation_examples(pixels, config.augmentation, config.seed, _EPOCHS)
    with st.container(border=True):
        height, width = config.image_size
        st.markdown(
            f"**Augmentation preview** at {width}×{height} pixels. Each row shows a face, then how "
            f"training may see it in {_EPOCHS} epochs."
        )
        if config.augmentation.is_none:
            st.caption("All augmentation is off: the images stay unchanged.")
        st.image(tile(rows.swapaxes(0, 1), _SIDE), alt="Faces and their augmented versions")
