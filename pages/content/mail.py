"""E-mail to people who work with the CMS. About a death review it contains only the reference."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.mail import EmailMessage
from django.db.models import Model
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.models import Page, RevisionMixin

from pages.content.death_reviews import may_be_told, may_see

Subject = tuple[str, str]  # the label of the model and the primary key of an object that mail is about
_subjects: ContextVar[tuple[Subject, ...]] = ContextVar("what the mail that is being written is about", default=())


@contextmanager
def mail_about(*objects: Model) -> Iterator[None]:
    """Mail that is written in this context is about these pages and snippets (`current_subjects`)."""
    models = [obj.specific_class if isinstance(obj, Page) else type(obj) for obj in objects]
    found = tuple((model._meta.label, str(obj.pk)) for model, obj in zip(models, objects, strict=True))
    token = _subjects.set(found)
    try:
        yield
    finally:
        _subjects.reset(token)


def current_subjects() -> tuple[Subject, ...]:
    """What the mail that is being written is about. The outbox keeps it with the message."""
    return _subjects.get()


def may_know_of_mail(user: User | AnonymousUser, subjects: Iterable[Subject]) -> bool:
    """Whether the user may know that there is mail about these objects."""
    return all(may_see(user, apps.get_model(label)()) for label, _ in subjects)


def may_be_sent(recipients: Iterable[str], subjects: Iterable[Subject]) -> bool:
    """Whether mail that was written before may be sent to these addresses now.

    Each address must not be one of deactivated accounts only. If the mail is about something, an active person with
    the address must be somebody who may be told of it now.
    """
    about = list(subjects)
    for address in recipients:
        accounts = User.objects.filter(email__iexact=address)
        active = [person for person in accounts if person.is_active]
        if about and not any(_may_be_told_of_all(person, about) for person in active):
            return False
        if accounts and not active:
            return False
    return True


def _may_be_told_of_all(person: User, subjects: Iterable[Subject]) -> bool:
    return all(_may_be_told_of(person, *subject) for subject in subjects)


def _may_be_told_of(person: User, label: str, key: str) -> bool:
    model = apps.get_model(label)
    obj = model._base_manager.filter(pk=key).first()
    return may_see(person, model()) if obj is None else may_be_told(person, obj)  # None: deleted since


def send_mail(people: Iterable[User], subject: str, text: str, about: RevisionMixin) -> None:
    """Send each active person who may know of the object `about` a message that ends with a link to its edit screen.

    The outbox sends it after the transaction commits (pages/editing/outbox.py).
    """
    path = AdminURLFinder().get_edit_url(about)
    body = f"{text}\n\n{settings.CMS_URL}{path}\n" if path else f"{text}\n"
    recipients = {person.email for person in people if person.is_active and person.email and may_be_told(person, about)}
    with mail_about(about):
        for address in sorted(recipients):
            EmailMessage(
                " ".join(subject.split())[:200], body, to=[address], headers={"Auto-Submitted": "auto-generated"}
            ).send()
