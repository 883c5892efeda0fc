"""Reads .tflite files of other programs; LiteRT's interpreter runs them as they are."""

from dataclasses import replace
from pathlib import Path

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
    LiteRTModel,
    LiteRTRecord,
    check_litert,
    gives_same_in_batches,
    look_like_scores,
    probe_outputs,
    try_model,
    write_litert,
)
from fer_core.process_limits import limited_processor, resident_bytes

MODEL_FILE = "model.tflite"


def read_litert(files: Files, choices: ImportChoices | None, folder: Path) -> ForeignModel:
    """Tells what a .tflite file says; with choices, also writes `MODEL_FILE`.

    Raises:
        FerError: it cannot be imported, or its interpreter is not installed.
    """
    data, sha256 = read_file(files)
    facts = check_litert(data)
    name, before = files.model.stem, resident_bytes()
    with limited_processor(TRIAL_SECONDS):
        model = LiteRTModel(data, LiteRTRecord(), name)
        raw = probe_outputs(model)
        are_scores = look_like_scores(raw, facts.last_operator)
        record = LiteRTRecord(are_scores=are_scores, one_by_one=False)
        try_model(model, before, len(data))
        if not gives_same_in_batches(LiteRTModel(data, record, name)):
            record = replace(record, one_by_one=True)
    image, classes = replace(model.image, one_by_one=record.one_by_one), raw.shape[1]
    if choices is not None:
        check_choices(choices, classes, image)
        record = replace(record, preparation=preparation_of(choices))
        write_litert(data, record, folder / MODEL_FILE)
    return ForeignModel(
        kind="litert",
        label="LiteRT (TensorFlow Lite)",
        file=files.model.name,
        size=len(data),
        sha256=sha256,
        input_shape=(image.height, image.width, 3 if image.channels == 3 else 1),
        classes=classes,
        parameters=facts.parameters,
        trainable=False,
        scaling=BYTES if image.takes_bytes else "",
        facts=(*input_facts(image), output_fact(classes, are_scores=are_scores)),
    )
