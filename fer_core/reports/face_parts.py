"""Shows faces in a report, for who asks for them."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from fer_core.errors import FerError
from fer_core.evaluation import LARGEST_ERROR, WRONG, choose, find_images
from fer_core.reports.material import Material
from fer_core.reports.parts import Face, Faces, Paragraph, Part

_MOST = 24
_SIDE = 128  # pixels, at most


def face_parts(material: Material) -> list[Part]:
    """Returns the images with the most confident mistakes."""
    found, dataset = material.main, material.dataset
    if found is None:
        return []
    if dataset is None:
        return [Paragraph("The dataset is not on this machine, so there is no face to show.")]
    table = found.calibrated
    rows = choose(table, None, WRONG, LARGEST_ERROR)[:_MOST]
    positions = find_images(table.iloc[rows], dataset.index)
    faces = []
    for row, position in zip(rows, positions, strict=True):
        answer = table.iloc[row]
        said = (
            f"Labeled {answer['expression']}, predicted {answer['predicted']} "
            f"({answer['confidence']:.0%})"
        )
        try:
            if position >= 0:
                faces.append(Face(_data_url(dataset.image(int(position))), said))
        except FerError:  # the file is gone; the others are shown
            continue
    said = f"The {len(faces)} most confident mistakes. A label may be wrong, not the prediction."
    return [Paragraph(said), Faces(faces)] if faces else [Paragraph("There is no mistake to show.")]


def _data_url(image: np.ndarray) -> str:
    picture = Image.fromarray(image)
    picture.thumbnail((_SIDE, _SIDE))
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
