"""A data set is an index: one row per image."""

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.opening import list_datasets, open_dataset, unreadable_datasets

__all__ = ["Dataset", "list_datasets", "open_dataset", "unreadable_datasets"]
