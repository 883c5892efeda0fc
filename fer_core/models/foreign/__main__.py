"""Checks a file before another process loads it: python -m fer_core.models.foreign FILE.

Exits with 1 and a sentence if it must not be loaded. What ends this process ends nothing else.
"""

import sys
from pathlib import Path

from fer_core.errors import FerError
from fer_core.models.foreign.checked import FORMATS
from fer_core.models.foreign.trial import TRIAL_SECONDS
from fer_core.process_limits import limit_process, limited_processor

_ADDRESS_SPACE = 8_000_000_000  # bytes


def main() -> int:
    """Checks the file that the command line names."""
    limit_process(address_space=_ADDRESS_SPACE)
    path = Path(sys.argv[1])
    try:
        with limited_processor(TRIAL_SECONDS):
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
