"""The files that editors upload, the facts about each, and which published pages use them.

`Document` and `Image` replace Wagtail's own models. Migrations name `documents.models.new_file_key` and
`documents.models.upload_document_to`.

May import: documents.inspection, documents.choices.
"""

from documents.models.document import (
    CHANGE_PUBLIC_FILES,
    Document,
    DocumentText,
    language_code,
    upload_document_to,
)
from documents.models.image import Image, Rendition
from documents.models.picture_sizes import ALL_SIZES, RENDITIONS
from documents.models.published import PublicFileRecord, PublishedFile
from documents.models.stored_file import StoredFile, new_file_key

__all__ = [
    "ALL_SIZES",
    "CHANGE_PUBLIC_FILES",
    "RENDITIONS",
    "Document",
    "DocumentText",
    "Image",
    "PublicFileRecord",
    "PublishedFile",
    "Rendition",
    "StoredFile",
    "language_code",
    "new_file_key",
    "upload_document_to",
]
