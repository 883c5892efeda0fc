"""Exports a run's model as a classic Keras .h5 file."""

from pathlib import Path

import keras

from fer_core.errors import FerError
from fer_core.models import load_model
from fer_core.runs import Run
from fer_core.storage import replacing, write_json

VGG19_NAME = "my_vgg19_dropout_model.h5"


def export_h5(run: Run, name: str = VGG19_NAME) -> Path:
    """Writes the run's model as the classic training script saves it, and its class names.

    The model takes pixels in [0, 1]: the scaling layer is left out. It is a flat functional model
    that plain Keras loads. `<name without .h5>_classes.json` lists the classes in output order,
    as Keras's directory readers sort classes alphabetically and this program does not.

    Raises:
        FerError: the run has no model.
    """
    if run.model_file is None:
        raise FerError(f"{run.id} must have a model to export. It is {run.state}.")
    model = _without_scaling(load_model(run.model_file))
    path = run.directory / "export" / name
    path.parent.mkdir(exist_ok=True)
    write_json(path.with_name(f"{path.stem}_classes.json"), list(run.class_names))
    with replacing(path) as temporary:
        model.save(temporary)
    return path


def _without_scaling(model: keras.Model) -> keras.Model:
    scaling = model.get_layer("scaling")
    x = inputs = keras.Input(model.input_shape[1:], name="pixels_0_to_1")
    for layer in model.layers[model.layers.index(scaling) + 1 :]:
        x = layer(x)  # the models of both classic families are chains of layers
    return keras.Model(inputs, x, name=model.name)
