"""Metadata of images or subjects, joined to a dataset from a CSV table."""

from fer_core.datasets.metadata.join import (
    BY_FILE,
    BY_SUBJECT,
    MAX_METADATA_BYTES,
    Join,
    JoinedTable,
    join_table,
    parse_table,
    propose_join,
)
from fer_core.datasets.metadata.stored import (
    METADATA_FILE,
    Metadata,
    read_metadata,
    remove_metadata,
    save_metadata,
)

__all__ = [
    "BY_FILE",
    "BY_SUBJECT",
    "MAX_METADATA_BYTES",
    "METADATA_FILE",
    "Join",
    "JoinedTable",
    "Metadata",
    "join_table",
    "parse_table",
    "propose_join",
    "read_metadata",
    "remove_metadata",
    "save_metadata",
]
