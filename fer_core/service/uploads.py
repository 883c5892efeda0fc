"""Reads the images of a request, within limits of size, number and time."""

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header
from starlette.requests import Request

from fer_core.inference import PhotoBatch, read_uploads
from fer_core.service.limits import RefusedError, Reservation
from fer_core.service.settings import ServiceSettings
from fer_core.text import shortened

FORM, BYTES = "multipart/form-data", "application/octet-stream"
_CURL = b"application/x-www-form-urlencoded"  # what curl --data-binary says of any file
_NAME = "image"  # of one that is sent without a form
_SECONDS = 30.0  # for the first bytes of a request
_BYTES_PER_SECOND = 50_000  # that a client must send at least, after that


async def read_images(
    request: Request, settings: ServiceSettings, reservation: Reservation
) -> PhotoBatch:
    """Reads the images that a request brings: itself, or the files of a form.

    Raises:
        RefusedError: it brings something else, none, too many, or too large ones, or too slowly.
        ClientDisconnect: the client went away.
    """
    content_type = request.headers.get("content-type", "")
    kind, options = parse_options_header(content_type)
    body = _Body(request, settings.max_request_bytes, reservation)
    if kind == FORM.encode():
        files = await _read_form(body, options, settings.max_images)
    elif kind in (b"", BYTES.encode(), _CURL) or kind.startswith(b"image/"):
        data = io.BytesIO()
        await body.receive(data.write)
        if not data.tell():
            raise RefusedError(422, "The request must bring an image. Received: nothing")
        files = [(_NAME, _NAME, data)]
    else:
        raise RefusedError(
            415,
            f"The content type must be {FORM}, an image's such as image/jpeg, or {BYTES}. "
            f"Received: {shortened(content_type)}",
        )
    batch = await asyncio.to_thread(read_uploads, files)  # opens archives
    if len(batch.photos) > settings.max_images:
        raise _too_many(settings.max_images)
    return batch


class _Body:
    """Receives the body of a request."""

    def __init__(self, request: Request, limit: int, reservation: Reservation) -> None:
        self._request = request
        self._limit = limit
        self._reservation = reservation

    async def receive(self, consume: Callable[[bytes], object]) -> None:
        """Calls `consume` with each part of the body.

        Raises:
            RefusedError: it is too large, which its header may tell before it comes, or too slow.
        """
        # A server has checked that it is a number.
        self._check(int(self._request.headers.get("content-length", 0)))
        received, started = 0, asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(_SECONDS) as patience:
                async for part in self._request.stream():
                    received += len(part)
                    self._check(received)
                    consume(part)
                    patience.reschedule(started + _SECONDS + received / _BYTES_PER_SECOND)
        except TimeoutError as error:
            raise RefusedError(
                408, f"The upload must not stop. Received: {received:,} bytes"
            ) from error

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise RefusedError(
                413,
                f"A request must have at most {self._limit / 1e6:,.1f} MB. "
                f"Received: {size / 1e6:,.1f} MB",
            )
        self._reservation.cover(size)


async def _read_form(
    body: _Body, options: dict[bytes, bytes], max_images: int
) -> list[tuple[str, str, io.BytesIO]]:
    """Returns name, key and content of each file of a form; nothing is written to disk."""
    form = _Form(options.get(b"boundary", b""), max_images)
    await body.receive(form.write)
    return form.files()


class _Form:
    """Parses a form whose parts are files."""

    def __init__(self, boundary: bytes, max_images: int) -> None:
        if not boundary:
            raise RefusedError(400, f"The content type {FORM} must name a boundary.")
        self._files: list[tuple[str, str, io.BytesIO]] = []
        self._max_images = max_images
        self._is_whole = False
        with _damage():
            self._parser = FormParser(
                FORM,
                self._refuse_field,
                self._add,
                self._end,
                boundary,
                config={"MAX_MEMORY_FILE_SIZE": float("inf")},
            )

    def write(self, part: bytes) -> None:
        """Parses a part of the form.

        Raises:
            RefusedError: it is damaged, has too many files, or something that is none.
        """
        with _damage():
            self._parser.write(part)

    def files(self) -> list[tuple[str, str, io.BytesIO]]:
        """Returns name, key and content of each file.

        Raises:
            RefusedError: there is none, or the form does not end.
        """
        if not self._is_whole:
            raise RefusedError(400, "The form must be whole. Its last boundary is missing.")
        if not self._files:
            raise RefusedError(422, "The form must have a file. Received: none")
        return self._files

    def _add(self, file: File) -> None:
        if len(self._files) >= self._max_images:
            raise _too_many(self._max_images)
        name = (file.file_name or b"").decode(errors="replace") or _NAME
        content = file.file_object
        assert isinstance(content, io.BytesIO)  # never on disk, by the parser's settings
        self._files.append((name, str(len(self._files)), content))

    def _refuse_field(self, field: Field) -> None:
        name = (field.field_name or b"").decode(errors="replace")
        raise RefusedError(
            422, f"Each part of the form must be a file with a name. Received: {shortened(name)}"
        )

    def _end(self) -> None:
        self._is_whole = True


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except FormParserError as error:
        raise RefusedError(400, f"The form is damaged: {error}") from error


def _too_many(limit: int) -> RefusedError:
    return RefusedError(413, f"A request must have at most {limit:,} images.")
