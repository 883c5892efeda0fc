"""Runs the three networks of MTCNN with onnxruntime."""

import cv2
import numpy as np

from fer_core.onnx_graphs import Session
from fer_core.vision.image_pyramid import BORDER, Sheets
from fer_core.vision.mtcnn_networks import (
    GRAY,
    PATCH,
    REFINED_PATCH,
    output_network,
    proposal_network,
    refinement_network,
)

WINDOW = 12  # pixels a side of the input of the first network
_STRIDE = 2
_PROPOSED, _REFINED = 0.6, 0.7  # minimum confidences of the first two networks
_MAX_PROPOSALS = 2000  # more would take seconds
# Pixels of the patches that a network takes at once: 56 for the second, 14 for the third. Twice as
# many leave the processor's cache, and take twice as long.
_BATCH_PIXELS = 2**15


class Cascade:
    """Runs MTCNN (Zhang et al. 2016) with the weights of the `mtcnn` package. Thread-safe."""

    def __init__(self) -> None:
        self._first = Session(proposal_network())
        self._second = Session(refinement_network())
        self._third = Session(output_network())

    def find(self, image: np.ndarray, sheets: Sheets) -> np.ndarray:
        """Returns face candidates of a uint8 RGB image and its pyramid, in the format of `refine`.

        A face may occur several times.
        """
        proposed = [self._propose(n, sheet, sheets.places) for n, sheet in enumerate(sheets.sheets)]
        boxes, logits, groups = (np.concatenate(parts) for parts in zip(*proposed, strict=True))
        # Within a level first, where neighboring windows see almost the same: an offset per level
        # keeps boxes of different levels apart.
        kept = _suppress(boxes + groups[:, None] * 1e5, logits, 0.5)
        boxes, logits = boxes[kept], logits[kept]
        squares = _squares(boxes[_suppress(boxes, logits, 0.7)])
        pixels = image.astype(np.float32)
        outputs = _run(self._second, _crop(pixels, squares, REFINED_PATCH))
        likely = outputs[:, -1] > _logit(_REFINED)
        boxes = _shift(squares[likely], outputs[likely, :4])
        squares = _squares(boxes[_suppress(boxes, outputs[likely, -1], 0.7)])
        return _to_rows(squares, _run(self._third, _crop(pixels, squares, PATCH)))

    def refine(self, patches: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Runs the last network on patches, uint8 (n, 48, 48, 3), cut from squares (n, 4).

        Squares are x1, y1, x2, y2. Returns (n, 15): x1, y1, x2, y2, the confidence, then x and then
        y of the five landmarks, in the pixels of the squares.
        """
        return _to_rows(squares, _run(self._third, patches.astype(np.float32)))

    def _propose(
        self, number: int, sheet: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns boxes in the image, their logits, and the pyramid level of each."""
        outputs = self._first.run(sheet[None], "boxes")[0]
        offsets, logits = outputs[:4], outputs[4]
        rows, columns = np.nonzero(logits > _logit(_PROPOSED))
        corners = _STRIDE * np.column_stack([columns, rows])
        windows = np.hstack([corners, corners + WINDOW]).astype(np.float32)
        # A window belongs to the level that contains it; windows across two levels are dropped.
        inside = (windows[:, None, :2] >= places[:, 1:3]) & (windows[:, None, 2:] <= places[:, 3:5])
        contained = inside.all(axis=2) & (places[:, 0] == number)
        valid = contained.any(axis=1)
        rows, columns, groups = rows[valid], columns[valid], contained[valid].argmax(axis=1)
        boxes = _shift(windows[valid], offsets[:, rows, columns].T)
        return _to_image(boxes, places[groups]), logits[rows, columns], groups


def _run(network: Session, patches: np.ndarray) -> np.ndarray:
    size = _BATCH_PIXELS // (patches.shape[1] * patches.shape[2])
    starts = range(0, max(1, len(patches)), size)
    parts = [network.run(patches[start : start + size], "boxes") for start in starts]
    return np.concatenate(parts)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _crop(pixels: np.ndarray, boxes: np.ndarray, size: int) -> np.ndarray:
    """Crops boxes to (n, size, size, 3); pixels beyond the image are mid-gray."""
    steps = (boxes[:, 2:] - boxes[:, :2]) / (size - 1)
    patches = np.empty((len(boxes), size, size, 3), np.float32)
    matrices = np.zeros((len(boxes), 2, 3))
    matrices[:, [0, 1], [0, 1]] = steps
    matrices[:, :, 2] = boxes[:, :2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for matrix, patch in zip(matrices, patches, strict=True):
        cv2.warpAffine(pixels, matrix, (size, size), patch, flags, cv2.BORDER_REPLICATE)
    places = boxes[:, None, :2] + steps[:, None] * np.arange(size)[:, None]
    beyond = (places < 0) | (places > np.array(pixels.shape[1::-1]) - 1)
    patches[beyond[:, :, 1]] = GRAY
    patches.swapaxes(1, 2)[beyond[:, :, 0]] = GRAY
    return patches


def _to_image(boxes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Converts boxes from sheet to image coordinates."""
    return (boxes - np.tile(places[:, 1:3] + BORDER, 2)) * np.tile(places[:, 5:], 2)


def _shift(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Moves the corners of boxes by shares of their width and height."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def _squares(boxes: np.ndarray) -> np.ndarray:
    """Returns squares (n, 4) centered on the boxes, as large as their longer side."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.hstack([centers - halves, centers + halves])


def _suppress(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Returns positions, best first, of the boxes left by non-maximum suppression."""
    if not len(boxes):
        return np.empty(0, int)
    sized = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    # OpenCV's stubs ask for lists, which take longer.
    kept = cv2.dnn.NMSBoxes(sized, scores, 0.0, overlap)  # type: ignore[arg-type]
    return np.asarray(kept, int)[:_MAX_PROPOSALS]


def _to_rows(squares: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Returns the outputs of the last network in pixels, (n, 15); see `Cascade.refine`."""
    sides = squares[:, 2:] - squares[:, :2]
    points = np.repeat(squares[:, :2], 5, axis=1) + np.repeat(sides, 5, axis=1) * outputs[:, 4:14]
    confidences = 1 / (1 + np.exp(-outputs[:, 14]))
    return np.column_stack([_shift(squares, outputs[:, :4]), confidences, points])
