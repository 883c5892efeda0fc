"""Models of other programs that are run as they are: ONNX and LiteRT files, checked and edited."""

from fer_core.models.foreign.checked import FORMATS, load_foreign
from fer_core.models.foreign.litert_checks import MAGIC as LITERT_MAGIC
from fer_core.models.foreign.litert_checks import check_litert
from fer_core.models.foreign.litert_model import LiteRTModel, LiteRTRecord, write_litert
from fer_core.models.foreign.onnx_checks import parse_onnx
from fer_core.models.foreign.onnx_edit import ImageInput, describe_input, edit_onnx
from fer_core.models.foreign.onnx_file import OnnxFile
from fer_core.models.foreign.preparation import EPSILON, Preparation, look_like_scores
from fer_core.models.foreign.trial import (
    TRIAL_SECONDS,
    gives_same_in_batches,
    probe_outputs,
    try_model,
)

__all__ = [
    "EPSILON",
    "FORMATS",
    "ImageInput",
    "LITERT_MAGIC",
    "LiteRTModel",
    "LiteRTRecord",
    "OnnxFile",
    "Preparation",
    "TRIAL_SECONDS",
    "check_litert",
    "describe_input",
    "edit_onnx",
    "gives_same_in_batches",
    "load_foreign",
    "look_like_scores",
    "parse_onnx",
    "probe_outputs",
    "try_model",
    "write_litert",
]
