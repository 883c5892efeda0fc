"""Settings of the service: where it listens, who may use it, and how much they may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fer_core.access import Access, is_local
from fer_core.errors import FerError

TOKEN = "FER_SERVICE_TOKEN"
_MEGABYTE = 1_000_000
_PUBLIC_RATE = 600  # requests a minute, where other machines can reach the service


@dataclass(frozen=True)
class ServiceSettings:
    """Holds the settings of the service.

    Raises:
        FerError: a setting is out of range, or other machines could use the service without a
            token.
    """

    host: str = "127.0.0.1"
    port: int = 8600  # 0 for any that is free
    token: str = ""  # empty: none is needed
    max_request_bytes: int = 64 * _MEGABYTE
    max_upload_bytes: int = 512 * _MEGABYTE  # in memory at a time, of all requests
    max_images: int = 100  # of a request
    rate: int = 0  # requests a minute of one address; 0: any number

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise FerError(f"The port must be between 0 and 65535. Received: {self.port}")
        if min(self.max_request_bytes, self.max_images) < 1 or self.rate < 0:
            raise FerError("The limits of a request must be positive.")
        if not all("!" <= character <= "~" for character in self.token):
            raise FerError("The token must consist of ASCII letters, digits and signs.")
        if not self.token and not self.is_local:
            raise FerError(
                "A service that other machines can reach must have a token. Set the environment "
                f"variable {TOKEN}, or listen on 127.0.0.1. Received: {self.host}"
            )

    @property
    def is_local(self) -> bool:
        """Tells whether only this machine can reach the service."""
        return is_local(self.host)

    def within(self, environment: Mapping[str, str]) -> "ServiceSettings":
        """Returns the settings within the limits that the dashboard has in this environment.

        Raises:
            FerError: a variable has a value that is not understood.
        """
        access = Access.of_server(self.host, environment)
        if not access.is_public:
            return self
        of_one, of_all = access.session_upload_bytes, access.upload_bytes
        return replace(
            self,
            max_request_bytes=min(self.max_request_bytes, of_one or self.max_request_bytes),
            max_upload_bytes=of_all or self.max_upload_bytes,
            rate=self.rate or _PUBLIC_RATE,
        )
