"""Answers for files: to anybody while a public page uses them, and to editors who may see them in the admin.

The answer for a file that exists but was never public is the answer for a file that does not exist, and costs the
same queries. A file that was public once is gone (410).
"""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_safe
from wagtail.images.models import SourceImageIOError

from documents.access.public_files import for_staff, never_stored, public_documents, public_images
from documents.models import RENDITIONS, Document, Image, PublicFileRecord, Rendition
from documents.serving.delivery import Delivery, send
from pages.confidential.reading_log import note_file_seen
from pages.content.death_reviews import of_death_reviews
from pages.reading.draft_previews import draft_files, shown_by

SPECS = {name.lower(): spec for name, spec in RENDITIONS.items()}
FOR_STAFF = "private, no-store"


@require_safe
def document(request: HttpRequest, key: str, filename: str) -> HttpResponseBase:
    was_public = PublicFileRecord.objects.filter(file_key=key).exists()
    found = Document.objects.filter(file_key=key)
    public: Any = public_documents(found).annotate(never_stored=never_stored()).first()
    wanted = public or _for_staff(request, found)
    if wanted is not None and wanted.filename == filename:
        return send(
            request,
            Delivery(
                file=wanted.file,
                filename=wanted.filename,
                version=wanted.checksum,
                cache_control=_cache_control(public.never_stored) if public else FOR_STAFF,
                noindex=bool(public and public.never_stored),
            ),
        )
    return _absent(was_public and wanted is None)


@require_safe
def rendition(request: HttpRequest, key: str, name: str) -> HttpResponseBase:
    """One of the named sizes for anybody; for editors also the sizes that the admin itself makes ("r" and a number)."""
    label = name.rpartition(".")[0]
    was_public = label in SPECS and PublicFileRecord.objects.filter(file_key=key).exists()
    sizes = Rendition.objects.select_related("image").annotate(never_stored=of_death_reviews("image__collection__path"))
    sizes = sizes.filter(filter_spec=SPECS[label]) if label in SPECS else sizes.filter(pk=_number(label))
    found = Image.objects.filter(file_key=key)
    of_public = sizes.filter(image__in=public_images(found)) if label in SPECS else sizes.none()
    public: Any = of_public.first()
    if public is None and was_public and _draw_anew(found, SPECS[label]):
        public = of_public.first()
    wanted = public or (sizes.filter(image=image).first() if (image := _for_staff(request, found)) else None)
    if wanted is None or not wanted.url.endswith(f"/{name}"):
        return _absent(was_public and wanted is None)
    return send(
        request,
        Delivery(
            file=wanted.file,
            filename=name,
            # Tells nothing of the original, and not how many pictures there are.
            version=salted_hmac("documents.views.rendition", f"{key}-{wanted.pk}").hexdigest(),
            cache_control=_cache_control(public.never_stored) if public else FOR_STAFF,
            noindex=bool(public and public.never_stored),
        ),
    )


def _draw_anew(found: QuerySet[Image], spec: str) -> bool:
    """Draw a size of a public picture that got lost: its address was handed out and goes on working."""
    image = public_images(found).first()
    try:
        return bool(image and image.get_rendition(spec))
    except SourceImageIOError:
        return False


@require_safe
def stored_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A stored file by its storage name, for the forms of the admin, which link to it. Never public."""
    for model in (Document, Image):
        if wanted := _for_staff(request, model.objects.filter(file=name)):
            return send(request, Delivery(wanted.file, wanted.filename, wanted.checksum, FOR_STAFF))
    raise Http404


def _number(label: str) -> int:
    """The primary key in "r12"; 0, which no row has, for anything else."""
    digits = label[1:]
    return int(digits) if label[:1] == "r" and digits.isdecimal() and len(digits) < 19 else 0


def _for_staff(request: HttpRequest, found: QuerySet[Any]) -> Any:
    """The file, for somebody who is signed in and may change or choose it, and for the website that shows a draft to
    such a person. Visitors cost no further query.

    Files of death-review notices that are not public leave a line in the log.
    """
    if "preview" in request.GET:
        shown = shown_by(request.GET["preview"])
        if shown is None:
            return None
        user, found = shown.user, found.filter(pk__in=draft_files(shown)[0 if found.model is Document else 1])
    elif settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
        user = request.user
    else:
        return None
    wanted = for_staff(user, found).first()
    if wanted is not None:
        note_file_seen(wanted, user)
    return wanted


def _cache_control(never_stored: bool) -> str:
    return "no-store" if never_stored else f"public, max-age={settings.FILE_MAX_AGE}, must-revalidate"


def _absent(was_public: bool) -> HttpResponse:
    if not was_public:
        raise Http404
    text = "This file is no longer available.\n"
    return HttpResponse(
        text, status=410, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"}
    )
