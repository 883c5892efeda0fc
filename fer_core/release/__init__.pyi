from .card import write_card as write_card
from .publish import publish_pretrained as publish_pretrained
from .publish import to_float16 as to_float16

__all__ = [
    "publish_pretrained",
    "to_float16",
    "write_card",
]
