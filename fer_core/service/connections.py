"""Ends connections that bring what nobody reads."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LINGER_SECONDS = 2.0


class CloseUnread:
    """Closes the connection after an answer that was given before the body was read.

    Otherwise the server would read all of it first, however large. What comes within a moment is
    still discarded: the connection of a client that is sending would break before it has read the
    answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Takes the app whose answers are sent."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request with the app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _UnreadBody(receive, scope)

        async def send_and_close(message: Message) -> None:
            if not body.is_unread:
                await send(message)
            elif message["type"] == "http.response.start":
                await send({**message, "headers": [*message["headers"], (b"connection", b"close")]})
            elif message.get("more_body"):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await body.discard()
                await send({"type": "http.response.body"})

        await self._app(scope, body.receive, send_and_close)


class _UnreadBody:
    """Tells whether the body of a request was read to its end."""

    def __init__(self, receive: Receive, scope: Scope) -> None:
        self._receive = receive
        headers = dict(scope["headers"])
        self.is_unread = headers.get(b"content-length", b"0") != b"0" or (
            b"transfer-encoding" in headers
        )

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body"):
            self.is_unread = False
        return message

    async def discard(self) -> None:
        """Drops what comes within a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while (await self._receive()).get("more_body"):
                    pass
