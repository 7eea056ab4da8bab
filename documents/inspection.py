"""Reads the facts of an uploaded file that nobody should have to type: its checksum and number of pages."""

import hashlib
import logging

from django.core.files.base import File
from pypdf import PdfReader
from pypdf.errors import PyPdfError

logger = logging.getLogger(__name__)
CHUNK = 1024 * 1024


def sha256_of(file: File) -> str:
    """SHA-256 of the file's bytes, in hex; the file is left at its start."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def page_count_of(file: File, extension: str) -> int | None:
    """Pages of a PDF; None for other files and for a PDF that cannot be read. Leaves the file at its start."""
    if extension != "pdf":
        return None
    file.seek(0)
    try:
        return len(PdfReader(file).pages)
    except (PyPdfError, ValueError, KeyError, RecursionError, OSError) as error:
        logger.warning("The pages of a PDF could not be counted: %s", type(error).__name__)
        return None
    finally:
        file.seek(0)
