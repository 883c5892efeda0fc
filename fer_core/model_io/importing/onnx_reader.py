"""Reads .onnx files of other programs; onnxruntime runs them as they are."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.model_io.importing.run_as_is import (
    BYTES,
    check_choices,
    input_facts,
    output_fact,
    read_file,
)
from fer_core.model_io.importing.scalings import preparation_of
from fer_core.models.foreign import (
    TRIAL_SECONDS,
    ImageInput,
    OnnxFile,
    Preparation,
    describe_input,
    edit_onnx,
    gives_same_in_batches,
    look_like_scores,
    parse_onnx,
    probe_outputs,
    try_model,
)
from fer_core.process_limits import limited_processor, resident_bytes

if TYPE_CHECKING:
    from onnx import ModelProto

MODEL_FILE = "model.onnx"


def read_onnx(files: Files, choices: ImportChoices | None, folder: Path) -> ForeignModel:
    """Tells what an .onnx file says; with choices, also writes `MODEL_FILE`.

    Raises:
        FerError: it cannot be imported.
    """
    data, sha256 = read_file(files)
    model = parse_onnx(data)
    image = describe_input(model)
    before = resident_bytes()
    with limited_processor(TRIAL_SECONDS):
        classes, are_scores = _output(model, image)
        as_it_is = edit_onnx(model, image, Preparation(), classes, are_scores=are_scores)
        try_model(OnnxFile(as_it_is, files.model.stem), before, len(data))
        image = _in_batches(model, image, classes, are_scores)
    if choices is not None:
        check_choices(choices, classes, image)
        edited = edit_onnx(model, image, preparation_of(choices), classes, are_scores=are_scores)
        (folder / MODEL_FILE).write_bytes(edited)
    opset = max(each.version for each in model.opset_import)
    return ForeignModel(
        kind="onnx",
        label=f"ONNX, opset {opset}",
        file=files.model.name,
        size=len(data),
        sha256=sha256,
        input_shape=(image.height, image.width, 3 if image.channels == 3 else 1),
        classes=classes,
        parameters=sum(math.prod(each.dims) for each in model.graph.initializer),
        trainable=False,
        scaling=BYTES if image.takes_bytes else "",
        facts=(*input_facts(image), output_fact(classes, are_scores=are_scores)),
    )


def _output(model: "ModelProto", image: ImageInput) -> tuple[int, bool]:
    """Returns the number of classes, and whether a softmax is still to be taken."""
    raw = OnnxFile(edit_onnx(model, image, Preparation(), None), "model")
    outputs = probe_outputs(raw)
    return outputs.shape[1], look_like_scores(outputs, _last_operator(model))


def _last_operator(model: "ModelProto") -> str:
    """Returns what computes the output, past operators that only change its shape or type."""
    makers = {name: node for node in model.graph.node for name in node.output}
    name = model.graph.output[0].name
    for _ in range(len(makers)):
        node = makers.get(name)
        if node is None:
            return ""
        if node.op_type not in ("Identity", "Reshape", "Flatten", "Squeeze", "Cast"):
            return str(node.op_type)
        name = node.input[0]
    return ""


def _in_batches(
    model: "ModelProto", image: ImageInput, classes: int, are_scores: bool
) -> ImageInput:
    """Returns the input with any number of faces at a time, if the model can take them."""
    many = replace(image, one_by_one=False)
    try:
        edited = OnnxFile(
            edit_onnx(model, many, Preparation(), classes, are_scores=are_scores), "model"
        )
    except FerError:
        return replace(image, one_by_one=True)
    return many if gives_same_in_batches(edited) else replace(image, one_by_one=True)
