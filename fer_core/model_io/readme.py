"""Writes the program and the README that travel with an exported model."""

from fer_core.model_io.format import Format
from fer_core.model_io.usage import PROHIBITED_USES, ModelUsage

PROGRAM, README, FACE = "predict.py", "README.md", "face.png"

_PROGRAM = """import json
import sys

import numpy as np
from PIL import Image

{code}

if __name__ == "__main__":
    image = Image.open(sys.argv[1] if len(sys.argv) > 1 else "face.png").convert("{mode}")
    image = image.resize(({width}, {height}), Image.Resampling.BOX){color}
    pixels = np.asarray(image, "float32").reshape(1, {height}, {width}, {channels})
    answer = predict(pixels)[0] ** (1 / usage["temperature"])  # calibrated
    answer = dict(zip(usage["class_names"], (answer / answer.sum()).tolist()))
    expression = max(answer, key=answer.get)
    if answer[expression] < usage["threshold"]:
        expression = "not sure"
    print(json.dumps({{"expression": expression, "probabilities": answer}}))
"""

_EXAMPLE = """import numpy as np
from PIL import Image
from predict import predict, usage

image = Image.open("face.png").convert("{mode}")
image = image.resize(({width}, {height}), Image.Resampling.BOX){color}
pixels = np.asarray(image, "float32").reshape(1, {height}, {width}, {channels})
answer = predict(pixels)[0] ** (1 / usage["temperature"])  # calibrated
print(dict(zip(usage["class_names"], (answer / answer.sum()).round(3).tolist())))
"""

_README = """# A model of facial expressions, as {label}

Exported by FER Studio. {introduction}In this folder run

```
pip install {package} numpy pillow
python predict.py face.png
```

`predict.py` is all that it takes; `face.png` is a drawn face. In a notebook of this folder:

```python
{example}```

## Input and output

- `pixels`: float32 of shape (faces, {height}, {width}, {channels}), {color}, from {low:g} to \
{high:g}. Any number of faces.
- `probabilities`: float32 of shape (faces, {classes}), in the order of `class_names` in `usage`.
- Crop a face to the square around the detector's box, {margin} Resize it to {height}×{width}.
- To calibrate, raise the probabilities to 1 / `temperature` and divide them by their sum, as \
`predict.py` does. Below `threshold` the answer is "not sure".

## Where it comes from

{origin} {license}

{prohibited}
"""


def program(format: Format, usage: ModelUsage) -> str:
    """Returns the text of `predict.py`, which predicts a face with the format's package alone."""
    return _PROGRAM.format(code=format.code.rstrip("\n") + "\n", **_input_of(usage))


def _input_of(usage: ModelUsage) -> dict[str, str | int]:
    """Returns what a program must know of a model's input."""
    return {
        "mode": "L" if usage.color == "gray" else "RGB",
        "color": '.convert("RGB")' if usage.color == "gray" and usage.channels == 3 else "",
        "height": usage.height,
        "width": usage.width,
        "channels": usage.channels,
    }


def readme(format: Format, usage: ModelUsage) -> str:
    """Returns the text of README.md."""
    low, high = usage.value_range
    margin = f"with a margin of {usage.crop_margin:.0%} of its longer side."
    return _README.format(
        label=format.label,
        introduction=format.introduction,
        package=format.package,
        example=_EXAMPLE.format(**_input_of(usage)),
        height=usage.height,
        width=usage.width,
        channels=usage.channels,
        color=usage.color,
        low=low,
        high=high,
        classes=len(usage.class_names),
        margin=margin if usage.crop_margin else "without a margin.",
        origin=_origin(usage),
        license=usage.license,
        prohibited=PROHIBITED_USES,
    )


def _origin(usage: ModelUsage) -> str:
    images = "" if usage.training_images is None else f"{usage.training_images:,} images of "
    learned = f"It learned from {images}{usage.trained_on} (run {usage.run})."
    if (found := usage.accuracy) is None:
        return f"{learned} Its accuracy is not known."
    return (
        f"{learned} Its accuracy on the {found.split} split of {usage.trained_on} is "
        f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%}, {found.images:,} images). "
        f"{found.caveat}"
    ).rstrip()
