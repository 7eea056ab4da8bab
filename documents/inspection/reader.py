"""What every reader of files is (documents/inspection/pdf.py, office.py, pictures.py): a short process with limits of
its own.

It starts in a moment, so it imports as little as it can.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any, NoReturn

CPU_SECONDS = 10
SPARE_SECONDS = 2  # of these, for what a reader needs to say how far it came
MEMORY = 512 * 1024 * 1024  # bytes


class UnreadableFileError(Exception):
    """The file is damaged, protected, or of another format than its name says."""


class FileTooLargeError(Exception):
    """Reading the file takes more time or memory than there is for one."""


class ReadingTimeoutError(BaseException):
    """Raised inside of a reader, `SPARE_SECONDS` before its end. No parser catches it as one of its own errors."""


def answer(work: Callable[..., Any]) -> None:
    """The whole life of a reader: `work` gets the file and the question. What it returns or raises is the answer."""
    _limit_this_process()
    said: dict[str, Any]
    try:
        said = {"found": work(sys.stdin.buffer, *json.loads(sys.argv[1]))}
    except (ReadingTimeoutError, FileTooLargeError, MemoryError):
        said = {"fault": "too much"}
    except Exception:  # a file can be wrong in any way
        said = {"fault": "unreadable"}
    sys.stdout.write(json.dumps(said))


def _limit_this_process() -> None:
    os.nice(10)
    signal.signal(signal.SIGXCPU, _time_is_up)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS - SPARE_SECONDS, CPU_SECONDS))
    with suppress(ValueError) if sys.platform == "darwin" else nullcontext():  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _time_is_up(*args: Any) -> NoReturn:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)  # it is sent every second
    raise ReadingTimeoutError
