"""Lets Pillow read HEIC photos, as phones take them, if the package pillow-heif is installed."""

from functools import cache

from fer_core.errors import FerError

HEIF_SUFFIXES = frozenset({".heic", ".heif"})
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # ISO 23008-12


def is_heif(data: bytes) -> bool:
    """Returns whether a file is in the format by its first bytes."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS


@cache
def heif_formats() -> tuple[str, ...]:
    """Returns the names of the format for `Image.open`.

    Raises:
        FerError: the package is missing. The message is a clause that follows the file's name.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise FerError(
            "is a HEIC photo, and reading it needs the package pillow-heif. Install it (pip "
            "install pillow-heif), or save the photo as JPEG."
        ) from error
    pillow_heif.register_heif_opener(thumbnails=False)
    return ("HEIF",)
