"""Datasets: an index with one row per image, its splits, corrections and pixels."""

from fer_core.datasets import pixel_cache, quality, raters
from fer_core.datasets.augmented_names import mirrored_copies
from fer_core.datasets.class_mapping import change_mapping
from fer_core.datasets.corrections import (
    CORRECTIONS_FILE,
    MAX_CORRECTIONS_BYTES,
    Corrections,
    Key,
    image_name,
    positions_of,
    read_corrections,
)
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.ferplus import has_votes, with_majority_labels
from fer_core.datasets.folds import (
    MOST_FOLDS,
    UNITS,
    Fold,
    FoldPlan,
    count_units,
    unit_names,
)
from fer_core.datasets.names import KINDS, check_new_name, free_name, is_name, safe_name
from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.pixel_cache import open_pixels
from fer_core.datasets.registry import list_datasets, open_dataset, unreadable_datasets
from fer_core.datasets.split_groups import GROUP_NOUNS, images_per_group, seen_in_training
from fer_core.datasets.splits import SPLITS
from fer_core.datasets.summary import (
    describe_confirmed,
    describe_corrections,
    describe_groups,
    describe_votes,
    imbalance,
    with_totals,
)
from fer_core.datasets.vote_table import VOTES_FILE, VoteTable, read_votes

__all__ = [
    "CORRECTIONS_FILE",
    "GROUP_NOUNS",
    "KINDS",
    "MAX_CORRECTIONS_BYTES",
    "SPLITS",
    "VOTES_FILE",
    "Corrections",
    "Dataset",
    "Fold",
    "FoldPlan",
    "Key",
    "VoteTable",
    "MOST_FOLDS",
    "UNITS",
    "change_mapping",
    "check_new_name",
    "count_units",
    "describe_confirmed",
    "describe_corrections",
    "describe_groups",
    "describe_votes",
    "free_name",
    "has_votes",
    "images_per_group",
    "image_name",
    "imbalance",
    "in_chunks",
    "is_name",
    "list_datasets",
    "mirrored_copies",
    "open_dataset",
    "open_pixels",
    "pixel_cache",
    "positions_of",
    "quality",
    "raters",
    "read_corrections",
    "read_votes",
    "safe_name",
    "seen_in_training",
    "unit_names",
    "unreadable_datasets",
    "with_majority_labels",
    "with_totals",
]
