"""What TensorFlow has prepared for its functions, kept for as long as the process lives."""

import keras


def disable_clear_session() -> None:
    """Lets `keras.backend.clear_session` do nothing from now on.

    Streamlit calls it after every run of every page, as if each had built its own networks. With
    the names that it is for, it throws away what TensorFlow made of the detector and the networks
    that all runs share, and the next answer would take 400 ms more.
    """
    keras.backend.clear_session = _nothing


def _nothing(free_memory: bool = True) -> None:
    pass
