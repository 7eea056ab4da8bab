"""Serves files: to everybody while a public page uses them, and to editors who may see them in the admin.

A file that exists but was never public gets the same answer, with the same queries, as a file that does not exist. A
file that was public once answers 410 (Gone).
"""

from collections.abc import Callable
from functools import wraps
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
from documents.models.picture_sizes import FILE_NAMES
from documents.serving.delivery import CORS, Delivery, preflight, send
from pages.confidential.reading_log import note_file_seen
from pages.content.death_reviews import of_death_reviews
from pages.reading.draft_previews import draft_files, shown_by

SPECS = {name: spec for spec, name in FILE_NAMES.items()}
STAFF_CACHE_CONTROL = "private, no-store"


def answers_preflight(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def respond(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return preflight() if request.method == "OPTIONS" else view(request, **kwargs)

    return respond


@answers_preflight
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
                cache_control=_cache_control(public.never_stored) if public else STAFF_CACHE_CONTROL,
                noindex=bool(public and public.never_stored),
                cross_origin=_is_for_websites(public, request),
            ),
        )
    return _absent(was_public and wanted is None)


@answers_preflight
@require_safe
def rendition(request: HttpRequest, key: str, name: str) -> HttpResponseBase:
    """A public size for everybody. For editors also the sizes that the admin draws ("r" and a primary key)."""
    spec = SPECS.get(name)
    was_public = spec is not None and PublicFileRecord.objects.filter(file_key=key).exists()
    sizes = Rendition.objects.select_related("image").annotate(never_stored=of_death_reviews("image__collection__path"))
    sizes = sizes.filter(filter_spec=spec) if spec else sizes.filter(pk=_number(name))
    found = Image.objects.filter(file_key=key)
    of_public = sizes.filter(image__in=public_images(found)) if spec else sizes.none()
    public: Any = of_public.first()
    if public is None and was_public and _redraw(found, spec):
        public = of_public.first()
    wanted = public or (sizes.filter(image=image).first() if (image := _for_staff(request, found)) else None)
    if wanted is None or not wanted.url.endswith(f"/{name}"):
        not_drawn_yet = was_public and spec not in RENDITIONS.values() and public_images(found).exists()
        return _absent(was_public and wanted is None and not not_drawn_yet)
    return send(
        request,
        Delivery(
            file=wanted.file,
            filename=name,
            # Does not reveal the original or the number of pictures.
            version=salted_hmac("documents.views.rendition", f"{key}-{wanted.pk}").hexdigest(),
            cache_control=_cache_control(public.never_stored) if public else STAFF_CACHE_CONTROL,
            noindex=bool(public and public.never_stored),
            cross_origin=_is_for_websites(public, request),
        ),
    )


def _is_for_websites(public: object, request: HttpRequest) -> bool:
    """Whether scripts of other sites may read the file: it is public, or in a preview on the website, by its token."""
    return public is not None or "preview" in request.GET


def _redraw(found: QuerySet[Image], spec: str | None) -> bool:
    """Draw a lost size of a public picture again, because its address was published. Returns whether that worked.

    Sizes of `srcset` are not drawn for a request, because there are many, and AVIF takes long.
    """
    image = public_images(found).first() if spec in RENDITIONS.values() else None
    try:
        return bool(image and spec and image.get_rendition(spec))
    except SourceImageIOError:
        return False


@require_safe
def stored_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A stored file by its name in the storage, to which the admin's forms link. Only for editors."""
    for model in (Document, Image):
        if wanted := _for_staff(request, model.objects.filter(file=name)):
            return send(request, Delivery(wanted.file, wanted.filename, wanted.checksum, STAFF_CACHE_CONTROL))
    raise Http404


def _number(name: str) -> int:
    """The primary key in "r12.webp". For anything else 0, which no row has."""
    label = name.rpartition(".")[0]
    digits = label[1:]
    return int(digits) if label[:1] == "r" and digits.isdecimal() and len(digits) < 19 else 0


def _for_staff(request: HttpRequest, found: QuerySet[Any]) -> Any:
    """The file, if the user may change or choose it, or if the request is for the preview of a draft by such a user.

    Anonymous visitors cost no query. Access to files of death-review notices that are not public is logged.
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
        text, status=410, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"} | CORS
    )
