"""What a run's augmentation makes of images of the chosen data set."""

import numpy as np
import streamlit as st

from fer_core.datasets import Dataset
from fer_core.models import augmentation_examples
from fer_core.runs import TrainConfig
from fer_core.vision import face_pixels, tile
from pages.components.shared.dataset_cache import with_corrections

_FACES, _EPOCHS = 6, 7
_SIDE = 96  # pixels of the screen


def show_augmentation(config: TrainConfig, dataset: Dataset) -> None:
    """Some training faces, and what the network may see of each in some epochs.

    Drawn by the function that training uses, at the network's own size; where the settings ask for
    the corrections, of faces that are not left out.

    Raises:
        ValueError: images of the data set are gone or damaged.
    """
    positions = (with_corrections(dataset) if config.overlay else dataset).select("train")
    shown = positions[np.linspace(0, len(positions) - 1, min(_FACES, len(positions)), dtype=int)]
    pixels = np.stack(
        [
            face_pixels(
                dataset.image(int(position)),
                config.image_size,
                config.channels,
                gray=dataset.is_gray,
            )
            for position in shown
        ]
    )
    drawn = augmentation_examples(pixels, config.augmentation, config.seed, _EPOCHS)
    with st.container(border=True):
        height, width = config.image_size
        st.markdown(
            f"**What the network sees**, at {width}×{height} pixels: in every row first the face "
            f"as it is, then as it may look in {_EPOCHS} epochs."
        )
        if config.augmentation.is_none:
            st.caption("Nothing is changed: all augmentation is off.")
        st.image(tile(drawn.swapaxes(0, 1), _SIDE), alt="Faces and what augmentation makes of them")
