"""Makes pages, snippets and files as the project does: through Wagtail's API, published through the one door."""

from collections.abc import Collection
from datetime import date, datetime
from functools import cache
from io import BytesIO
from itertools import count
from typing import IO, Any, TypeVar
from unittest import mock
from zoneinfo import ZoneInfo

from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from PIL import Image as Picture
from wagtail.models import Page, Site

from documents.inspection import facts, own_process
from documents.models import Document, Image
from pages import models
from pages.approval.workflow import publish_by_command
from pages.content.choices import ApprovalRole
from pages.models import ContentPage, approvals
from pages.models.snippets import ModeratedSnippet

LONDON = ZoneInfo("Europe/London")
_numbers = count(1)
_pictures = count()
_answers: dict[tuple[str, str, str], Any] = {}
AnyPage = TypeVar("AnyPage", bound=ContentPage)
AnySnippet = TypeVar("AnySnippet", bound=ModeratedSnippet)


def london(*when: int) -> datetime:
    return datetime(*when, tzinfo=LONDON)  # type: ignore[arg-type, misc]


def approve(obj: Any) -> Any:
    """A new revision of the object as it stands, which may be published: now, or on the date that it names."""
    return approved(obj.save_revision())


def approved(revision: Any) -> Any:
    approvals.approve(revision, ApprovalRole.COMMAND, None)
    return revision


def publish(obj: Any) -> Any:
    publish_by_command(obj, "tests")
    obj.refresh_from_db()
    return obj


def draft(model: type[AnyPage], parent: Page, **fields: Any) -> AnyPage:
    """A page that was never published. Rows can be given as lists: actions=[Action(...)]."""
    number = next(_numbers)
    values = {**_needed(model, number, fields), **fields}
    rows = {name: values.pop(name) for name in list(values) if isinstance(values[name], list) and name != "body"}
    page = model(live=False, **values)
    for name, items in rows.items():
        setattr(page, name, items)
    parent.refresh_from_db()
    return parent.add_child(instance=page)


def page(model: type[AnyPage], parent: Page, **fields: Any) -> AnyPage:
    """A published page."""
    return publish(draft(model, parent, **fields))


def account(name: str, *groups: str, superuser: bool = False) -> User:
    create = User.objects.create_superuser if superuser else User.objects.create_user
    user = create(name, email=f"{name}@example.org", password="x")
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def home() -> models.PartnershipPage:
    root = Page.objects.get(depth=1)
    for old in Page.objects.filter(depth=2):
        old.delete()
    root.refresh_from_db()
    partnership = page(models.PartnershipPage, root, title="Testing Partnership", slug="home")
    Site.objects.update_or_create(is_default_site=True, defaults={"hostname": "localhost", "root_page": partnership})
    return partnership


def _needed(model: type[ContentPage], number: int, given: Collection[str]) -> dict[str, Any]:
    """What each page type cannot be published without. What is given is not made in vain."""
    values: dict[str, Any] = {
        "title": f"{model._meta.verbose_name} {number}".capitalize(),
        "summary": f"Summary {number}.",
        "last_reviewed_on": date(2026, 2, 11),
    }
    if model is models.NewsPage:
        values["body"] = [("paragraph", f"<p>Body {number}.</p>")]
    elif model is models.MeetingPage:
        values |= {"starts_at": london(2026, 2, 24, 10), "venue": venue()}
    elif model is models.PriorityPeriodPage:
        values |= {"starts_on": "2025", "ends_on": "2027"}
    elif model is models.PriorityPage:
        values |= {
            "number": number,
            "rationale": f"<p>Rationale {number}.</p>",
            "actions": [models.Action(text=f"Action {number}.", horizon="in-year")],
        }
    elif model is models.CommunitySafetyPlanPage:
        values["effective_from"] = "2023-09"
    elif model is models.AnnualReviewPage:
        values["year"] = "2024/25"
    elif model is models.DeathReviewNoticePage:
        values |= {
            "publication_decision": "full",
            "executive_summary": f"<p>Executive summary {number}.</p>",
        }
        if "notice_support_services" not in given:
            values["notice_support_services"] = [models.NoticeSupportService(service=support_service())]
    return values


def index(model: type[AnyPage], home: Page, **fields: Any) -> AnyPage:
    return page(model, home, **fields)


def venue(**fields: Any) -> models.Venue:
    number = next(_numbers)
    values = {"name": f"Hall {number}", "address": "Cambridge", "postcode": "CB1 1JF", **fields}
    return snippet(models.Venue, **values)


def snippet(model: type[AnySnippet], live: bool = True, **fields: Any) -> AnySnippet:
    """A snippet with public text: published, or a draft."""
    made = model._default_manager.create(live=False, **fields)
    return publish(made) if live else made


def agency(**fields: Any) -> models.Agency:
    return snippet(models.Agency, **{"name": f"Agency {next(_numbers)}", "sector": "council", **fields})


def support_service(**fields: Any) -> models.SupportService:
    number = next(_numbers)
    return snippet(models.SupportService, **{"name": f"Helpline {number}", "phone": "0800 000 000", **fields})


def topic(**fields: Any) -> models.Topic:
    number = next(_numbers)
    return models.Topic.objects.create(**{"name": f"Topic {number}", "slug": f"topic-{number}", **fields})


def document(title: str = "", content: bytes = b"a,b\n1,2\n", name: str = "table.csv", **fields: Any) -> Document:
    title = title or f"Document {next(_numbers)}"
    return Document.objects.create(title=title, file=ContentFile(content, name), **fields)


def image(title: str = "", description: str = "A market square", **fields: Any) -> Image:
    """Of some thirty pictures the next, which no image of the same test is likely to have. Each is drawn once."""
    number = next(_numbers)
    picture = _picture(next(_pictures) % 32)
    with mock.patch.object(facts, "ask", _asked_once):
        return Image.objects.create(
            title=title or f"Picture {number}",
            description=description,
            file=ContentFile(picture, f"picture-{number}.png"),
            **fields,
        )


@cache
def _picture(number: int) -> bytes:
    content = BytesIO()
    Picture.new("RGB", (64 + number % 7, 48), (number * 7, 90, 120)).save(content, "PNG")
    return content.getvalue()


def _asked_once(reader: str, file: IO[bytes], *question: Any) -> Any:
    """What the process that reads files answered when it was first asked this of these bytes."""
    key = (reader, facts.sha256_of(file), repr(question))
    if key not in _answers:
        _answers[key] = own_process.ask(reader, file, *question)
    return _answers[key]
