"""Computes the checksum that identifies a foreign model."""

import hashlib

from fer_core.model_io.importing.foreign import Files


def sha256_of(files: Files) -> str:
    """Returns the SHA-256 of the file with the model, as `sha256sum` prints it."""
    with files.model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
