"""Describes the answers of the service, for its documentation."""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """Holds why a request was not answered."""

    error: str = Field(description="a sentence")


class Health(BaseModel):
    """Tells that the service runs."""

    status: str = Field(examples=["ok"])
    version: str


class Accuracy(BaseModel):
    """Holds a share of images that were recognized correctly, with its 95 % interval."""

    value: float
    low: float
    high: float
    images: int


class Provenance(BaseModel):
    """Holds where a model comes from and how good it is."""

    name: str
    run: str
    trained_on: str = Field(description="the dataset")
    training_images: int | None
    expressions: list[str] = Field(description="the classes, in the order of the model's output")
    accuracy: Accuracy | None
    accuracy_without_leaked_images: Accuracy | None = Field(
        description="without images that are in the training split too"
    )
    images_of_training_subjects: int | None
    accuracy_on: str = Field(description="the split")
    accuracy_of_averaged_views: bool = Field(description="whether with test-time augmentation")


class ModelInput(BaseModel):
    """Describes the faces that the model gets."""

    height: int
    width: int
    channels: int
    color: str = Field(description="gray or RGB")
    crop_margin: float


class Model(BaseModel):
    """Holds all that is known of the model."""

    note: str
    must_not_be_used_for: str
    license: str
    model: Provenance
    input: ModelInput
    temperature: float = Field(description="by which the probabilities are calibrated")
    threshold: float = Field(description='probability below which the answer is "not sure"')
    sha256: str = Field(description="of the model's file")
    card: str = Field(description="of a pretrained model, as Markdown; else empty")


class Settings(BaseModel):
    """Holds the settings of a recognition."""

    minimum_accuracy: float
    test_time_augmentation: bool
    crop_margin: float
    minimum_face_size: int | None
    minimum_confidence: float | None
    picture_is_face: bool
    threshold: float


class Box(BaseModel):
    """Holds a rectangle in pixels; it may extend beyond the image."""

    x: int
    y: int
    width: int
    height: int


class Pose(BaseModel):
    """Holds the angles of a head in degrees."""

    yaw: float
    pitch: float
    roll: float


class Face(BaseModel):
    """Holds a face and its expression."""

    face: int = Field(description="number in the image, from 1 on the left")
    box: Box
    confidence: float | None = Field(description="of the face detector; null for a whole picture")
    detection: str = Field(description="detected, doubtful or whole picture")
    blurred: bool
    pose: Pose | None
    probabilities: dict[str, float]
    expression: str = Field(description="the most probable")
    answer: str = Field(description='the expression, or "not sure"')


class Image(BaseModel):
    """Holds the faces of an image."""

    image: str = Field(description="the name of the file")
    width: int
    height: int
    milliseconds: float
    faces: list[Face]


class Predictions(BaseModel):
    """Holds what the Predict page offers as JSON."""

    note: str
    model: Provenance
    settings: Settings
    images: list[Image]
    errors: list[str] = Field(description="a sentence for each file that could not be read")


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Returns the documentation of these status codes."""
    return {code: {"model": Problem, "description": _REASONS[code]} for code in codes}


_REASONS = {
    400: "The request or its form is damaged",
    401: "The token is missing or wrong",
    403: "The request comes from the page of another site",
    408: "The upload stopped",
    413: "The upload is too large, or has too many images",
    415: "The upload is neither an image nor a form",
    422: "A setting is invalid, or no image can be read",
    429: "The client makes too many requests",
    500: "An internal error, which the service's log describes",
    503: "Too many uploads arrive at the same time",
}
