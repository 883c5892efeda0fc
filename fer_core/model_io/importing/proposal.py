"""Proposes what a model file does not say, by trying it on labeled images of a dataset."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fer_core import models
from fer_core.datasets import Dataset
from fer_core.datasets.layouts import NUMBERINGS
from fer_core.errors import FerError
from fer_core.evaluation import Accuracy
from fer_core.expressions import EXPRESSIONS, sort_classes
from fer_core.model_io.importing.choices import SCALINGS, ImportChoices
from fer_core.model_io.importing.foreign import ForeignModel
from fer_core.model_io.importing.scalings import preparation_of
from fer_core.storage import Fraction
from fer_core.vision import face_pixels

IMAGES = 200
FOUND = "found"  # an order of classes that no dataset is known to have
SHOWN = 2  # proposals
_LEAST_ACCURACY, _MOST_OF_ONE_CLASS = 0.3, 0.9
# By which an order found in the very same images must be more accurate than a known one.
_FOUND_MARGIN = 0.04
_LEAST_PROBABILITY = 1e-4  # before its logarithm is taken
_SPLITS = ("val", "train")  # the test split stays sealed

Predict = Callable[[np.ndarray], np.ndarray]
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Proposal:
    """Holds choices, and how good the model is with them on some images; stored as JSON."""

    scaling: str  # see `ImportChoices`
    color: str
    class_names: tuple[str, ...]
    order: str  # the name of a numbering, or `FOUND`
    accuracy: Accuracy
    largest_share: Fraction  # of the answers that are of the most frequent class

    def choices(self) -> ImportChoices:
        """Returns the choices, with the usual crop margin."""
        return ImportChoices(self.class_names, self.scaling, self.color)


@dataclass(frozen=True)
class Proposals:
    """Holds the best proposals, the best first; stored as JSON."""

    dataset: str
    images: int
    best: tuple[Proposal, ...]
    warnings: tuple[str, ...] = ()  # sentences


@dataclass(frozen=True)
class Sample:
    """Holds labeled images as a model takes them, by what becomes of their color."""

    pixels: Mapping[str, np.ndarray]  # by "gray" and "RGB": uint8 (n, height, width, channels)
    labels: np.ndarray  # of each image, a position in `class_names`
    class_names: tuple[str, ...]

    @property
    def is_gray(self) -> bool:
        """Tells whether color makes no difference."""
        return "RGB" not in self.pixels or bool(np.ptp(self.pixels["RGB"], axis=-1).max() == 0)


def propose(
    model: ForeignModel,
    converted: Path,
    dataset: Dataset,
    report: Report = lambda done, total: None,
) -> Proposals:
    """Tries scalings, colors and orders of classes on images of a dataset.

    Args:
        model: the file that was imported, as inspected.
        converted: what `convert_model` wrote with the scaling "0..255".
        report: called with the candidates done and their number; it may raise.

    Raises:
        FerError: the dataset has no labeled images that can be read.
    """
    height, width, channels = model.input_shape
    sample = read_sample(dataset, (height, width), channels)
    predict = models.load_for_prediction(converted)
    scalings = [model.scaling] if model.scaling else _scalings(channels)

    def answer(prepared: np.ndarray) -> np.ndarray:
        return models.predict(predict, prepared)

    best, warnings = compare(answer, sample, scalings, model.classes, model.class_names, report)
    return Proposals(dataset.name, len(sample.labels), best, warnings)


def _scalings(channels: int) -> list[str]:
    return [name for name in SCALINGS if channels == 3 or not name.startswith("imagenet")]


def read_sample(dataset: Dataset, size: tuple[int, int], channels: int) -> Sample:
    """Reads up to `IMAGES` images, as many of each class as there are.

    Raises:
        FerError: there are none, or one is missing or damaged.
    """
    positions = _positions(dataset)
    if not len(positions):
        raise FerError(
            f"The dataset must have labeled images to try the model on. {dataset.name} has none "
            "for training or validation."
        )
    colors = ("gray",) if channels == 1 else ("gray", "RGB")

    def reduce(image: np.ndarray) -> np.ndarray:
        faces = [face_pixels(image, size, channels, gray=color == "gray") for color in colors]
        return np.stack(faces)

    read = np.stack([dataset.reader.reduced(each, reduce) for each in positions.tolist()], axis=1)
    names = dataset.class_names
    expressions = dataset.index["expression"].iloc[positions]
    labels = np.array([names.index(name) for name in expressions])
    return Sample(dict(zip(colors, read, strict=True)), labels, names)


def _positions(dataset: Dataset) -> np.ndarray:
    """Returns the positions of images, evenly spaced over each class."""
    share = max(1, IMAGES // max(1, len(dataset.class_names)))
    chosen = []
    for name in dataset.class_names:
        every = np.concatenate([dataset.select(split, name) for split in _SPLITS])
        places = np.linspace(0, len(every) - 1, min(share, len(every))).astype(int)
        chosen.append(every[places])
    return np.concatenate(chosen) if chosen else np.zeros(0, int)


def compare(
    predict: Predict,
    sample: Sample,
    scalings: Sequence[str],
    classes: int,
    class_names: tuple[str, ...] = (),
    report: Report = lambda done, total: None,
) -> tuple[tuple[Proposal, ...], tuple[str, ...]]:
    """Returns the best proposals for a function of pixels, and warnings.

    Args:
        predict: returns probabilities (n, classes) of pixels as the model itself takes them:
            float32 (n, height, width, channels), RGB or BGR or gray.
        scalings: to try, of `SCALINGS`.
        classes: that it tells apart.
        class_names: in their order, if the file says them; else orders are tried.
    """
    tried = _Trials(predict, sample, _orders(classes, sample, class_names), report)
    usual = "gray" if "RGB" not in sample.pixels else "RGB"
    tried.total = len(scalings)
    found = [tried.run(scaling, usual) for scaling in scalings]
    found.sort(key=_rank, reverse=True)
    if not sample.is_gray:  # else color makes no difference
        others = [(each.proposal.scaling, color) for each in found[:2] for color in ("BGR", "gray")]
        tried.total += len(others)
        found += [tried.run(scaling, color) for scaling, color in others]
        found.sort(key=_rank, reverse=True)
    best = tuple(each.proposal for each in found[:SHOWN])
    return best, tuple(_warnings(best[0]))


@dataclass(frozen=True)
class _Trial:
    proposal: Proposal
    likelihood: float  # mean logarithm of the true class's probability


def _rank(trial: _Trial) -> tuple[float, float]:
    return trial.proposal.accuracy.value, trial.likelihood


class _Trials:
    """Tries scalings and colors one after another."""

    def __init__(
        self,
        predict: Predict,
        sample: Sample,
        orders: Mapping[str, tuple[str, ...]],
        report: Report,
    ) -> None:
        self._predict, self._sample, self._orders = predict, sample, orders
        self._report = report
        self._done = 0
        self.total = 1

    def run(self, scaling: str, color: str) -> _Trial:
        """Finds the best order of classes for a scaling and what becomes of the color."""
        self._report(self._done, self.total)
        self._done += 1
        pixels = self._sample.pixels["gray" if color == "gray" else "RGB"]
        choices = ImportChoices(EXPRESSIONS, scaling, color)  # of these, the names do not matter
        answers = self._predict(preparation_of(choices).apply(pixels))
        trials = [
            self._score(answers, Proposal(scaling, color, names, order, _NONE, 0.0))
            for order, names in self._orders.items()
        ]
        found = self._score(
            answers, Proposal(scaling, color, self._matched(answers), FOUND, _NONE, 0.0)
        )
        if not trials:
            return found
        known = max(trials, key=_rank)
        gain = found.proposal.accuracy.value - known.proposal.accuracy.value
        return found if gain >= _FOUND_MARGIN and not self._is_told else known

    @property
    def _is_told(self) -> bool:
        return _TOLD in self._orders

    def _matched(self, answers: np.ndarray) -> tuple[str, ...]:
        """Returns the classes in the order that fits best, by the probabilities of each."""
        from scipy.optimize import linear_sum_assignment

        names, labels = self._sample.class_names, self._sample.labels
        logarithms = np.log(np.maximum(answers, _LEAST_PROBABILITY))
        gains = np.stack([logarithms[labels == number].sum(axis=0) for number in range(len(names))])
        rows, columns = linear_sum_assignment(gains, maximize=True)
        matched = {int(column): names[row] for row, column in zip(rows, columns, strict=True)}
        spare = _spare_names(matched.values())
        return tuple(matched.get(place) or next(spare) for place in range(answers.shape[1]))

    def _score(self, answers: np.ndarray, proposal: Proposal) -> _Trial:
        known = {name: number for number, name in enumerate(self._sample.class_names)}
        numbers = np.array([known.get(name, -1) for name in proposal.class_names])
        chosen, labels = answers.argmax(axis=1), self._sample.labels
        correct = int((numbers[chosen] == labels).sum())
        truth = labels[:, None] == numbers[None, :]
        probabilities = (answers * truth).sum(axis=1)
        return _Trial(
            replace(
                proposal,
                accuracy=Accuracy.of(correct, len(labels)),
                largest_share=float(np.bincount(chosen).max() / len(chosen)),
            ),
            float(np.log(np.maximum(probabilities, _LEAST_PROBABILITY)).mean()),
        )


_NONE = Accuracy(0, 1, 0.0, 1.0)
_TOLD = "file"  # the order of classes that the file itself says


def _orders(
    classes: int, sample: Sample, class_names: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Returns orders of so many classes, by name; of equal ones the first."""
    if class_names:
        return {_TOLD: class_names}
    known: dict[str, Iterable[str]] = {
        name: numbering.expressions.values() for name, numbering in NUMBERINGS.items()
    }
    known["of the dataset"] = sample.class_names
    known["of the dataset, alphabetical"] = sorted(sample.class_names)
    found: dict[str, tuple[str, ...]] = {}
    for order, expressions in known.items():
        names = tuple(name for name in expressions if name)
        if len(names) == classes + 1:  # FER+ and AffectNet are often used without contempt
            names = tuple(name for name in names if name != "contempt")
        is_known = len(names) == classes and set(names) & set(sample.class_names)
        if is_known and names not in found.values():
            found[order] = names
    return found


def _spare_names(taken: Collection[str]) -> Iterator[str]:
    """Yields names for outputs that no class of the dataset was matched with."""
    names = [name for name in sort_classes((*EXPRESSIONS, "contempt")) if name not in taken]
    yield from names
    number = 1
    while True:
        yield f"other {number}"
        number += 1


def _warnings(best: Proposal) -> Iterator[str]:
    share, accuracy = best.largest_share, best.accuracy.value
    if share > _MOST_OF_ONE_CLASS:
        yield (
            f"With the best choices {share:.0%} of the answers are of one class, so the model "
            "hardly looks at the face. It may need other pixels than those that were tried."
        )
    if accuracy < _LEAST_ACCURACY:
        yield (
            f"With the best choices only {accuracy:.0%} of the images are recognized, so these may "
            "be wrong, or the model was made for other faces or classes. Try another dataset."
        )
