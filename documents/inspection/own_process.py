"""Reads a file in a process of its own, so that no file occupies or breaks the server.

The readers (documents/inspection/pdf.py, office.py, pictures.py) are programs: `ask` starts one, gives it the file as
its standard input, and takes its answer as JSON. They know neither Django nor the settings, and get no environment.
"""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import IO, Any

from documents.inspection.reader import FileTooLargeError, UnreadableFileError

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 40  # on the clock: the server's own work comes first
AT_ONCE = 2  # readers of one server process: its other threads go on answering, and memory is bounded
WAIT = 5  # seconds for one of them to end

_turns = BoundedSemaphore(AT_ONCE)


class ReadersBusyError(Exception):
    """The server reads as many files as it can. It says nothing about this one."""


def ask(reader: str, file: IO[bytes], *question: Any) -> Any:
    """What the reader answers about the file, whose position is reset to its start.

    Raises `UnreadableFileError`, `FileTooLargeError` or `ReadersBusyError`.
    """
    with TemporaryFile() as copy:  # the file may be in memory, or in a storage elsewhere
        file.seek(0)
        shutil.copyfileobj(file, copy)
        file.seek(0)
        copy.seek(0)
        command = [sys.executable, "-E", "-s", "-m", reader, json.dumps(question)]
        if not _turns.acquire(timeout=WAIT):
            raise ReadersBusyError
        try:
            done = subprocess.run(  # noqa: S603
                command, stdin=copy, capture_output=True, cwd=ROOT, env={}, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise FileTooLargeError from None
        finally:
            _turns.release()
    if done.returncode != 0:  # killed at a limit, or by a fault in a library
        raise FileTooLargeError if done.returncode in (-signal.SIGKILL, -signal.SIGXCPU) else UnreadableFileError
    answer = json.loads(done.stdout)
    match answer.get("fault"):
        case "unreadable":
            raise UnreadableFileError
        case "too much":
            raise FileTooLargeError
    return answer["found"]
