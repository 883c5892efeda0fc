"""Lists the formats that models are exported to."""

from fer_core.errors import FerError
from fer_core.model_io.format import Format
from fer_core.model_io.keras_formats import H5, KERAS, SAVED_MODEL
from fer_core.model_io.litert_formats import LITERT, LITERT_FLOAT16, LITERT_INT8
from fer_core.model_io.onnx_format import ONNX
from fer_core.model_io.openvino_format import OPENVINO
from fer_core.model_io.web_format import WEB
from fer_core.text import shortened

FORMATS = {
    each.name: each
    for each in (ONNX, WEB, LITERT, LITERT_FLOAT16, LITERT_INT8, OPENVINO, KERAS, H5, SAVED_MODEL)
}

__all__ = ["FORMATS", "Format", "format_named"]


def format_named(name: str) -> Format:
    """Returns a format of the table that can be written on this machine.

    Raises:
        FerError: there is none of that name, or something that it needs is not installed.
    """
    found = FORMATS.get(name)
    if found is None:
        known = ", ".join(FORMATS)
        raise FerError(f"The format must be one of {known}. Received: {shortened(name)}")
    if missing := found.missing:
        raise FerError(f"{found.label} needs {missing}")
    return found
