"""Recognizes expressions for other programs: a small web service around one run's model.

FastAPI and uvicorn are optional, and loaded when the service starts; see `run_service`.
"""

from fer_core.service.server import run_service
from fer_core.service.settings import TOKEN, ServiceSettings

__all__ = ["TOKEN", "ServiceSettings", "run_service"]
