from . import distillation as distillation
from . import trainer as trainer
from .release import publish_pretrained as publish_pretrained

__all__ = [
    "distillation",
    "publish_pretrained",
    "trainer",
]
