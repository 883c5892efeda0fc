"""A run as files other programs read."""

from pathlib import Path

import keras

from fer_core.errors import FerError
from fer_core.models import load_model
from fer_core.runs import Run
from fer_core.storage import replacing, write_json

VGG19_NAME = "my_vgg19_dropout_model.h5"


def export_h5(run: Run, name: str = VGG19_NAME) -> Path:
    """The run's model as the classic script saves it, with its class names beside it.

    It takes pixels in [0, 1], so the scaling layer is left out, and it is flat and functional, so
    that plain Keras loads it. `<name without .h5>_classes.json` holds the output order: Keras's
    folder readers sort classes alphabetically, this program does not.
    """
    if run.model_file is None:
        raise FerError(f"{run.id} must have a model to be exported. It is {run.state}.")
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
        x = layer(x)  # both classic families are a plain chain of layers
    return keras.Model(inputs, x, name=model.name)
