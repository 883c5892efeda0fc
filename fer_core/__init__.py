"""The core of FER Studio: data sets, training runs and recognition, without any user interface."""

__version__ = "0.1.0"
