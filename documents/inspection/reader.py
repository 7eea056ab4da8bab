"""The main function and resource limits of the reader programs (documents/inspection/pdf.py, office.py, pictures.py).

It imports as little as possible, so that a reader starts quickly.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import FrameType
from typing import Any, NoReturn

CPU_SECONDS = 10
SPARE_SECONDS = 2  # of CPU_SECONDS, for a reader to return what it has read so far
MEMORY = 512 * 1024 * 1024  # bytes


class UnreadableFileError(Exception):
    """The file is damaged, protected, or of another format than its name says."""


class FileTooLargeError(Exception):
    """Reading the file takes more time or memory than allowed."""


class ReadingTimeoutError(BaseException):
    """Raised in a reader, `SPARE_SECONDS` before its end. A BaseException, so that no parser catches it."""


def answer(work: Callable[..., Any]) -> None:
    """Run a reader: call `work` with the file and the question, and print what it returns or raises as JSON."""
    _limit_this_process()
    result: dict[str, Any]
    try:
        result = {"found": work(sys.stdin.buffer, *json.loads(sys.argv[1]))}
    except (ReadingTimeoutError, FileTooLargeError, MemoryError):
        result = {"fault": "too much"}
    except Exception:  # a damaged file can raise any error
        result = {"fault": "unreadable"}
    sys.stdout.write(json.dumps(result))


def _limit_this_process() -> None:
    os.nice(10)
    signal.signal(signal.SIGXCPU, _raise_timeout)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS - SPARE_SECONDS, CPU_SECONDS))
    with suppress(ValueError) if sys.platform == "darwin" else nullcontext():  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _raise_timeout(signum: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)  # the kernel sends it every second
    raise ReadingTimeoutError
