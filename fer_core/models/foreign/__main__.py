"""Checks a file before another process loads it: python -m fer_core.models.foreign FILE.

Exits with 1 and a sentence if it must not be loaded. What ends this process ends nothing else.
"""

import sys
from pathlib import Path

from fer_core.errors import FerError
from fer_core.models.foreign.checked import FORMATS
from fer_core.models.foreign.trial import limited_processor

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_ADDRESS_SPACE = 8_000_000_000  # bytes


def main() -> int:
    """Checks the file that the command line names."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = Path(sys.argv[1])
    try:
        with limited_processor():
            FORMATS[path.suffix].check(path)
    except MemoryError:
        problem = "It takes too much memory."
    except FerError as error:
        problem = str(error)
    else:
        return 0
    sys.stdout.buffer.write(problem.encode())
    return 1


if __name__ == "__main__":
    sys.exit(main())
