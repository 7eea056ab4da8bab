"""Reads a file in a process of its own, so that no file can block or crash the server.

The readers (documents/inspection/pdf.py, office.py, pictures.py) are programs. `ask` starts one with the file as its
standard input, and reads its answer as JSON. They import neither Django nor the settings, and get no environment.
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
SECONDS = 40  # of wall-clock time; readers run at a lower priority than the server
AT_ONCE = 2  # readers of one server process, to bound their memory and to leave threads for other requests
WAIT = 5  # seconds until a reader must be free

_free_readers = BoundedSemaphore(AT_ONCE)


class ReadersBusyError(Exception):
    """The server is reading as many files as it can. This says nothing about the file."""


def ask(reader: str, file: IO[bytes], *question: str | list[dict[str, Any]]) -> Any:
    """The reader's answer about the file, whose position is reset to the start.

    Raises `UnreadableFileError`, `FileTooLargeError` or `ReadersBusyError`.
    """
    with TemporaryFile() as copy:  # the file may be in memory or in remote storage
        file.seek(0)
        shutil.copyfileobj(file, copy)
        file.seek(0)
        copy.seek(0)
        command = [sys.executable, "-E", "-s", "-m", reader, json.dumps(question)]
        if not _free_readers.acquire(timeout=WAIT):
            raise ReadersBusyError
        try:
            done = subprocess.run(  # noqa: S603
                command, stdin=copy, capture_output=True, cwd=ROOT, env={}, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise FileTooLargeError from None
        finally:
            _free_readers.release()
    if done.returncode != 0:  # killed at a limit, or crashed in a library
        raise FileTooLargeError if done.returncode in (-signal.SIGKILL, -signal.SIGXCPU) else UnreadableFileError
    answer = json.loads(done.stdout)
    match answer.get("fault"):
        case "unreadable":
            raise UnreadableFileError
        case "too much":
            raise FileTooLargeError
    return answer["found"]
