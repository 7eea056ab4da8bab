"""Serves files: to anybody while a public page uses them, and to editors who may see them in the admin.

The answer for a file that exists but is not public is the answer for a file that does not exist.
"""

import mimetypes
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe
from wagtail.permissions import policy_registry

from documents.access import public_documents, public_images
from documents.models import RENDITIONS, Document, Image, Rendition

SPECS = {name.lower(): spec for name, spec in RENDITIONS.items()}
SHOWN_IN_THE_BROWSER = {
    "application/pdf",
    "text/plain",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
}


@require_safe
@transaction.non_atomic_requests
def document(request: HttpRequest, key: str, filename: str) -> HttpResponseBase:
    found = Document.objects.filter(file_key=key)
    public = public_documents(found).first()
    wanted = public or _for_staff(request, found)
    if wanted is None or wanted.filename != filename:
        raise Http404
    return _send(request, wanted.file, wanted.checksum, public is not None)


@require_safe
@transaction.non_atomic_requests
def rendition(request: HttpRequest, key: str, name: str) -> HttpResponseBase:
    """One of the named sizes for anybody; for editors also the sizes that the admin itself makes ("r" and a number)."""
    label = name.rpartition(".")[0]
    found = Image.objects.filter(file_key=key)
    public = public_images(found).first() if label in SPECS else None
    image = public or _for_staff(request, found)
    if image is None:
        raise Http404
    renditions = Rendition.objects.filter(image=image)
    if label in SPECS:
        wanted = renditions.filter(filter_spec=SPECS[label]).first()
    else:
        wanted = renditions.filter(pk=int(label[1:])).first() if label[1:].isdecimal() else None
    if wanted is None:
        raise Http404
    return _send(request, wanted.file, f"{image.checksum}-{wanted.pk}", public is not None)


@require_safe
@transaction.non_atomic_requests
def stored_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A stored file by its storage name, for the forms of the admin, which link to it. Never public."""
    for model in (Document, Image):
        if wanted := _for_staff(request, model.objects.filter(file=name)):
            return _send(request, wanted.file, wanted.checksum, False)
    raise Http404


def _for_staff(request: HttpRequest, found: QuerySet[Any]) -> Any:
    """The file, for somebody who is signed in and may change or choose it. Visitors cost no further query."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return None
    wanted = found.first()
    policy = policy_registry.get_by_type(found.model)
    allowed = wanted is not None and policy.user_has_any_permission_for_instance(
        request.user, ["change", "choose"], wanted
    )
    return wanted if allowed else None


def _send(request: HttpRequest, file: FieldFile, version: str, public: bool) -> HttpResponseBase:
    name = file.name or ""
    etag = f'"{version}"'
    response: HttpResponseBase
    if public and etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    else:
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        try:
            stream = file.storage.open(name, "rb")
        except FileNotFoundError:
            raise Http404 from None
        response = FileResponse(
            stream, content_type=content_type, as_attachment=content_type not in SHOWN_IN_THE_BROWSER
        )
    response["Cache-Control"] = (
        f"public, max-age={settings.FILE_MAX_AGE}, must-revalidate" if public else "private, no-store"
    )
    if public:
        response["ETag"] = etag
    # An uploaded file runs nothing and frames nothing, whatever is in it.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response
