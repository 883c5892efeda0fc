"""Asks a trained model which numbering the class numbers of a new dataset are in."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fer_core.datasets.importing import Proposal, sample_images
from fer_core.datasets.layouts import NUMBERINGS, ImportPlan, parse_number
from fer_core.runs import Run, list_pretrained

if TYPE_CHECKING:
    from fer_core.inference.recognition import Classifier

_SAMPLE = 200  # images


def propose_numbering(
    plan: ImportPlan, progress: Callable[[], None] | None = None
) -> Proposal | None:
    """Compares what the pretrained model calls a sample of images with each possible numbering.

    None without class numbers that several numberings fit, without readable images, or without a
    pretrained model. The sample has as many images of each class. Images of a class that the model
    does not know count under no numbering.

    Args:
        progress: called before each slow step; an exception in it ends the work.
    """
    report = progress or (lambda: None)
    run = next(iter(list_pretrained()), None)
    numbers = {name: parse_number(name) for name in plan.classes.expressions}
    named = {name: number for name, number in numbers.items() if number is not None}
    if run is None or not named or len(plan.classes.candidates) < 2:
        return None
    # Loads TensorFlow, which takes seconds: most previews do without.
    from fer_core.inference.recognition import Classifier

    report()
    classifier = Classifier.load(run)
    report()
    names, pixels = [], []
    for name, face in sample_images(plan, named, _SAMPLE, classifier.pixels):
        names.append(named[name])
        pixels.append(face)
    report()
    return _compare(names, pixels, plan.classes.candidates, classifier, run) if names else None


def _compare(
    numbers: list[int],
    pixels: list[np.ndarray],
    candidates: tuple[str, ...],
    classifier: "Classifier",
    run: Run,
) -> Proposal | None:
    answers = classifier.predict_pixels(np.stack(pixels)).argmax(axis=1)
    names = np.array(classifier.class_names)[answers]
    shares = {}
    for candidate in candidates:
        table = NUMBERINGS[candidate].expressions
        labels = np.array([table.get(number, "") for number in numbers])
        known = np.isin(labels, classifier.class_names)
        if known.any():
            shares[candidate] = float((labels == names)[known].mean())
    return Proposal(run.name, len(numbers), shares) if len(shares) > 1 else None
