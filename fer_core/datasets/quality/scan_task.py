"""Examines a data set in a process of its own: every image, or faces in a random sample."""

from collections.abc import Callable
from datetime import datetime

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.quality.scan import scan
from fer_core.datasets.quality.scan_results import (
    FaceSearch,
    face_search_file,
    images_key,
    make_folder,
    save,
)
from fer_core.datasets.registry import open_dataset
from fer_core.errors import FerError
from fer_core.storage import write_json
from fer_core.tasks import ProgressReporter, Task

Detects = Callable[[np.ndarray], bool]


def run_scan(task: Task) -> None:
    """Does a task of kind "examine".

    Its arguments are `dataset`, a name, and `faces`: 0 to look at every image, or of how many to
    ask whether MTCNN finds a face in them.

    Raises:
        FerError: as `scan` or `search_faces`.
    """
    if task.request is None:
        raise FerError(f"{task.id} must name a data set. It names none.")
    name, faces = task.request.arguments["dataset"], int(task.request.arguments.get("faces", 0))
    report = ProgressReporter(task)
    if faces:
        report(0, faces, "TensorFlow is being loaded")
        search_faces(open_dataset(name), faces, _detector(), report)
    else:
        scan(name, report)
    write_json(task.directory / "result.json", {"dataset": name})


def search_faces(
    dataset: Dataset,
    count: int,
    detects: Detects,
    report: Callable[[int, int, str], None],
    seed: int = 0,
) -> FaceSearch:
    """Looks for a face in so many images, drawn at random, and keeps in which there is one.

    What cannot be read is left out of the sample: that is another finding.

    Raises:
        FerError: the count is not positive, or the data set was deleted.
    """
    if count < 1:
        raise FerError(f"Faces must be looked for in at least 1 image. Received: {count}")
    drawn = np.random.default_rng(seed).permutation(len(dataset.index))[:count]
    looked, found = datetime.now().isoformat(), dict[int, bool]()
    for done, position in enumerate(np.sort(drawn).tolist()):
        report(done, len(drawn), f"Looked for a face in {done:,} of {len(drawn):,} images")
        try:
            image = dataset.image(position)
        except ValueError:
            continue
        found[position] = detects(image)
    positions, answers = np.array(list(found), np.int64), np.array(list(found.values()), bool)
    search = FaceSearch(images_key(dataset.index), looked, positions, answers)
    make_folder(dataset)
    save(face_search_file(dataset), search)
    return search


def _detector() -> Detects:
    from fer_core.vision import FaceDetector  # loads TensorFlow, which a scan does not need

    detector = FaceDetector()
    return lambda image: bool(detector.detect(image))
