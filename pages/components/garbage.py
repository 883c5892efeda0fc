"""Keeps Python's garbage collection, which Streamlit asks for after every run, short."""

import gc


def freeze_garbage() -> None:
    """Spares all that is there now the collections to come."""
    gc.unfreeze()  # or a model that was dropped would never be collected
    gc.collect()
    gc.freeze()
