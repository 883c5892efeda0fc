"""What each kind of finding is called, what it means, and what there is to be done."""

from dataclasses import dataclass

from fer_core.datasets.quality import thresholds
from fer_core.datasets.quality.duplicates import LEAST_CORRELATION

# Two splits that should share no image; of what they share, that of the first is left out.
PAIRS = (("train", "test"), ("train", "val"), ("val", "test"))

_WORDS = {"train": "training", "val": "validation", "test": "test"}
_NEARLY = (
    "the same photo in another crop, size or compression, with a caption, or the next picture of "
    f"a film. Reduced to 32×32 pixels they correlate by {LEAST_CORRELATION:g} or more, and so "
    "does what is fine in them."
)
_CHOICE = (
    "Left out would be training images alone: in a group with validation or test all of them, in "
    "another all but the first."
)


@dataclass(frozen=True)
class Words:
    """How a kind of finding is put."""

    title: str
    meaning: str
    advice: str = "Left out would be all of them, in validation and test too."
    of: str = "images"  # what it might have been about


def _leak(one: str, other: str, *, exact: bool) -> Words:
    kind, known = _WORDS[other], _WORDS[one]
    what = (
        f"Images of the {kind} split that are in {known}, pixel for pixel."
        if exact
        else f"Images of the {kind} split that are nearly in {known} too, not counting exact "
        f"copies: {_NEARLY}"
    )
    harm = (
        f"A network has learned them by heart: the {kind} score is better than the network."
        if one == "train"
        else "Whatever is chosen by the validation score is chosen by these test images too."
    )
    title = f"{'Leaks' if exact else 'Near leaks'}: {kind} in {known}"
    advice = f"Left out would be the {known} images of each group; {kind} stays as it is."
    return Words(title, f"{what} {harm}", advice, f"{kind} images")


WORDS = {
    "unreadable": Words(
        "Cannot be read",
        "The file is gone, damaged or truncated since the data set was added. Training refuses "
        "a data set with such images. What could not be read when it was added was left out then.",
    ),
    "blank": Words(
        "Blank",
        f"One shade throughout: the standard deviation of the gray pixels is below "
        f"{thresholds.BLANK:g} of 255. Whatever the label says, nothing can be learned from it.",
    ),
    "flat": Words(
        "Nearly flat",
        f"Hardly any contrast: the standard deviation of the gray pixels is below "
        f"{thresholds.NEARLY_FLAT:g} of 255. Some are faces in the dark, others no faces.",
    ),
    "dark": Words(
        "Too dark",
        f"The mean of the gray pixels is below {thresholds.DARK:g} of 255, in the order of "
        "darkness. Look for warning signs and black frames among dark photos.",
    ),
    "bright": Words(
        "Too bright",
        f"The mean of the gray pixels is above {thresholds.BRIGHT:g} of 255, the brightest first. "
        "Notices in place of a photo that was deleted are found here, beside bright faces.",
    ),
    "blurred": Words(
        "Blurred",
        f"At 48×48 pixels the variance of the Laplacian is below {thresholds.BLURRED:g} of the "
        "variance of the pixels; an ordinary photo of a face has 0.5. The most blurred first.",
    ),
    "size": Words(
        "Odd sizes",
        f"Another size than that which at least {thresholds.ONE_SIZE:.0%} of the images have; "
        f"where there is no such size, less than {thresholds.SMALLEST} pixels on a side, or one "
        f"side more than {thresholds.LONGEST:g} times the other. The smallest first.",
    ),
    "copies": Words(
        "Exact duplicates",
        "The same picture several times, pixel for pixel, whatever its file. Such images count "
        "more than others in training.",
        _CHOICE,
    ),
    "copies-labels": Words(
        "Exact duplicates, labels differ",
        "The same picture, pixel for pixel, under several expressions: at most one of them is "
        "right.",
        "Nobody can know from here which label is right, so left out would be all training "
        "images of the groups.",
    ),
    "near": Words(
        "Near duplicates",
        f"Images that are nearly the same: {_NEARLY} Exact copies of them are shown with them.",
        _CHOICE,
    ),
    "near-labels": Words(
        "Near duplicates, labels differ",
        f"Images that are nearly the same under several expressions: {_NEARLY} Of a film both "
        "labels may be right, of a photo at most one.",
        "Left out would be all training images of the groups.",
    ),
    "faceless": Words(
        "No face found",
        "MTCNN found no face of 0.9 confidence or more. It misses faces too, turned, covered or "
        "cut off by the border, so this is a list to look through.",
        of="images of a random sample",
    ),
}
for _one, _other in PAIRS:
    WORDS[f"leak-{_one}-{_other}"] = _leak(_one, _other, exact=True)
    WORDS[f"near-leak-{_one}-{_other}"] = _leak(_one, _other, exact=False)
