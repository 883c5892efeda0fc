"""Answers requests over HTTP: what the service offers, to whom, and its errors."""

import asyncio
import hmac
import logging
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from fer_core import __version__, access
from fer_core.evaluation import DEFAULT_MIN_ACCURACY
from fer_core.inference import PhotoSettings
from fer_core.service.answers import Health, Model, Predictions, problems
from fer_core.service.limits import RateLimit, RefusedError, UploadMemory
from fer_core.service.pending import Answer
from fer_core.service.recognizer import Recognizer
from fer_core.service.settings import ServiceSettings
from fer_core.service.uploads import BYTES, FORM, read_images
from fer_core.text import shortened

_LOG = logging.getLogger(__name__)
_MAX_MARGIN = 0.8
_MIN_MARGIN = -0.3
_INTERNAL = "Internal error. The log of the service describes it."
_AWAY = 499  # of a client that does not wait for its answer; nobody gets it

_DESCRIPTION = """Recognizes the facial expressions in images. A facial expression is not an
emotion: do not use the answers to judge, select or watch people."""
_IMAGE = {"schema": {"type": "string", "format": "binary"}}
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
_BODY = {
    "required": True,
    "description": "One image as it is, or a form with images, and .zip archives of images, as "
    "files.",
    "content": {
        FORM: {
            "schema": {
                "type": "object",
                "properties": {"images": _FILES},
                "required": ["images"],
                "additionalProperties": False,
            }
        },
        BYTES: _IMAGE,
        "image/*": _IMAGE,
    },
}


@dataclass(frozen=True)
class Service:
    """Holds what requests share."""

    settings: ServiceSettings
    recognizer: Recognizer
    model: dict[str, Any]  # see `answers.Model`
    memory: UploadMemory
    rate: RateLimit


class PredictOptions(BaseModel):
    """Holds what a client may choose."""

    model_config = ConfigDict(extra="forbid")

    minimum_accuracy: float = Field(
        DEFAULT_MIN_ACCURACY,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description='of the answers, on validation; others are "not sure". 0 answers always',
    )
    test_time_augmentation: bool = Field(False, description="average ten views; slower")
    picture_is_face: bool = Field(
        False, description="take each whole image as one face that was cropped already"
    )
    minimum_confidence: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="of the face detector"
    )
    minimum_face_size: int | None = Field(None, ge=1, le=32_000, description="in pixels")
    crop_margin: float | None = Field(
        None,
        ge=_MIN_MARGIN,
        le=_MAX_MARGIN,
        allow_inf_nan=False,
        description="around the face's box, as a share of its longer side; by default the model's",
    )

    def photo_settings(self, margin: float) -> PhotoSettings:
        """Returns the settings of the recognition; `margin` is the model's own."""
        return PhotoSettings(
            self.minimum_accuracy,
            self.test_time_augmentation,
            margin if self.crop_margin is None else self.crop_margin,
            self.minimum_face_size,
            self.minimum_confidence,
            self.picture_is_face,
        )


def service_of(request: Request) -> Service:
    """Returns what requests share."""
    service: Service = request.app.state.service
    return service


async def check_origin(request: Request) -> None:
    """Refuses pages of other sites, which reach this machine through somebody's browser.

    Raises:
        RefusedError: the request comes from one, and no token protects the service.
    """
    if service_of(request).settings.token:
        return
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    with suppress(ValueError):  # no address
        is_own = origin is None or urlsplit(origin).netloc == host
        if is_own and access.is_local(urlsplit(f"//{host}").hostname):
            return
    raise RefusedError(
        403,
        "Without a token the service must be asked as localhost, and not by another site's page. "
        f"Received: {shortened(origin or host)}",
    )


async def check_rate(request: Request) -> None:
    """Counts a request of a client, by its address.

    Raises:
        RefusedError: it makes too many.
    """
    service_of(request).rate.check(request.client.host if request.client else "")


async def check_token(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> None:
    """Checks the token, in a time that does not tell how much of it is right.

    Raises:
        RefusedError: it is missing or wrong.
    """
    token = service_of(request).settings.token
    offered = given.credentials if given else ""
    if not hmac.compare_digest(offered.encode(), token.encode()):
        raise RefusedError(
            401,
            "The header `Authorization: Bearer TOKEN` must have the token of the service.",
            {"WWW-Authenticate": "Bearer"},
        )


_OPEN = APIRouter(dependencies=[Depends(check_origin)], responses=problems(403, 500))
_GUARDED = APIRouter(
    dependencies=[Depends(check_origin), Depends(check_rate)],
    responses=problems(401, 403, 429, 500),
)


@_OPEN.get("/health")
async def health() -> Health:
    """Tells that the service runs."""
    return Health(status="ok", version=__version__)


@_GUARDED.get("/model")
async def model(request: Request) -> Model:
    """Tells which model answers, where it comes from, how good it is and what it is not for."""
    return Model.model_validate(service_of(request).model)


@_GUARDED.post(
    "/predict",
    response_model=Predictions,
    responses=problems(400, 408, 413, 415, 422, 503),
    openapi_extra={"requestBody": _BODY},
)
async def predict(request: Request, options: Annotated[PredictOptions, Query()]) -> Response:
    """Finds the faces in images, from left to right, and recognizes their expressions."""
    service = service_of(request)
    with service.memory.reserve() as reservation:
        batch = await read_images(request, service.settings, reservation)
        settings = options.photo_settings(service.model["input"]["crop_margin"])
        answer = await _await(service.recognizer.submit(batch, settings), request)
    if not answer.images:
        raise RefusedError(422, " ".join(answer.errors) or "There must be an image.")
    return Response(answer.text, media_type="application/json")


async def _await(answer: "Future[Answer]", request: Request) -> Answer:
    """Returns the answer; cancels it when the client goes away.

    Raises:
        ClientDisconnect: the client went away.
        RefusedError: the service ends.
    """
    result = asyncio.wrap_future(answer)
    leaving = asyncio.ensure_future(request.receive())  # comes only when the client is gone
    try:
        waiting: set[asyncio.Future[Any]] = {result, leaving}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            raise ClientDisconnect
        return result.result()
    except asyncio.CancelledError as error:
        if not result.cancelled():
            raise
        raise RefusedError(503, "The service ends.") from error
    finally:
        leaving.cancel()
        result.cancel()


def create_app(service: Service) -> FastAPI:
    """Returns the app, whose documentation needs no other server."""
    app = FastAPIOffline(
        redoc_url=None,
        title="FER Studio",
        description=_DESCRIPTION,
        version=__version__,
        exception_handlers={
            RefusedError: _refuse,
            HTTPException: _refuse_unknown,
            RequestValidationError: _refuse_setting,
            ClientDisconnect: _forget,
            Exception: _fail,
        },
    )
    app.state.service = service
    app.include_router(_OPEN)
    checks = [Depends(check_rate)]
    if service.settings.token:
        checks.append(Depends(check_token))
    app.include_router(_GUARDED, dependencies=checks)
    return app


async def _refuse(request: Request, error: RefusedError) -> Response:
    return _problem(error.status, str(error), error.headers)


async def _refuse_unknown(request: Request, error: HTTPException) -> Response:
    path, method = shortened(request.url.path), shortened(request.method)
    sentences = {
        404: f"The address must be one that /docs lists. Received: {path}",
        405: f"{path} must be asked by another method; see /docs. Received: {method}",
    }
    text = sentences.get(error.status_code, str(error.detail))
    return _problem(error.status_code, text, error.headers)


async def _refuse_setting(request: Request, error: RequestValidationError) -> Response:
    sentences = [
        f"`{shortened(str(each['loc'][-1]))}` is invalid: {each['msg']}. "
        f"Received: {shortened(str(each.get('input')))}"
        for each in error.errors()
    ]
    return _problem(422, "; ".join(sentences))


async def _forget(request: Request, error: ClientDisconnect) -> Response:
    _LOG.info("A client went away before its answer.")
    return Response(status_code=_AWAY)


async def _fail(request: Request, error: Exception) -> Response:
    """Tells nothing of an internal error; the server logs it."""
    return _problem(500, _INTERNAL)


def _problem(status: int, text: str, headers: Any = None) -> Response:
    return JSONResponse({"error": access.current().without_paths(text)}, status, headers)
