"""Approvals: who allowed which version of a page or snippet, and the rule that nothing is published without them.

`NeedsApproval` is part of every page and of every snippet with public text. Whatever route leads to publication
(a workflow, a schedule, a copy, a command, code), it ends in `save`, which asks here. An approval belongs to one
revision and to a hash of its content: a text or a file that changed afterwards was not approved.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone
from wagtail.blocks import RichTextBlock, StructBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Revision, TaskState, WorkflowState

from pages.content.choices import ApprovalRole
from pages.content.mail import send_mail

# What says where a version stands in the system, and when it is to be seen, and not what readers see: moderators
# schedule, and mark as reviewed, what others approved. Every other field is approved, one that is added later too.
TEXT_BY = "text_by"  # in the content of a revision: who made its text, beside who saved it
MAKERS = "makers"  # the same, noted when it was saved: all since it was last approved
NOT_APPROVED_BY_ANYBODY = {
    "makers",
    "content_type", "contentpage_ptr", "depth", "draft_title", "expire_at", "expired", "files", "first_published_at",
    "go_live_at", "has_unpublished_changes", "last_published_at", "last_reviewed_on", "latest_revision",
    "latest_revision_created_at", "live", "live_revision", "locale", "locked", "locked_at", "locked_by",
    "marked_reviewed_at", "name_blocklist",
    "next_review_due_on", "numchild", "owner", "page_ptr", "path", "pk", "public_updated_at", "text_by",
    "translation_key", "url_path", "wagtail_admin_comments", "withdrawal_alternative", "withdrawal_explanation",
    "withdrawal_kind", "withdrawn_at",
}  # fmt: skip


WITHOUT_A_SECOND = (ApprovalRole.COMMAND, ApprovalRole.FAST_LANE)  # approvals that stand for all


class NotApprovedError(Exception):
    """Somebody or something tried to publish what was not approved. The text is for the person who tried."""


class AlreadyDoneError(NotApprovedError):
    """A second click: what it asks for was done with the first, by the same person."""


def content_hash(content: dict[str, Any], without: Iterable[str] = ()) -> str:
    """SHA-256 of what an approver sees of a version, from the content of a revision or the `serializable_data` of
    an object. Rows below a page count without their keys, which they get only when they are published.
    """
    return hashlib.sha256(_seen_by_approvers(content, without).encode()).hexdigest()


def _seen_by_approvers(content: dict[str, Any], without: Iterable[str]) -> str:
    fields = _fields_with_rich_text(content.get("content_type"))
    approved = {
        name: _as_read(value, fields.get(name))
        for name, value in content.items()
        if name not in NOT_APPROVED_BY_ANYBODY and name not in without
    }
    return json.dumps(approved, sort_keys=True, cls=DjangoJSONEncoder)


# The editor gives each paragraph a key of its own, also one that came without: it is no part of the text. It is an
# attribute of an element there, and nowhere else: the same letters in a title, or between elements, are read.
_BLOCK_KEY = re.compile(r'(<[a-z][a-z0-9]*) data-block-key="[^"<>]*"')


def _fields_with_rich_text(content_type: int | None) -> dict[str, Any]:
    model = ContentType.objects.get_for_id(content_type).model_class() if content_type else None
    fields = model._meta.get_fields() if model else ()
    return {field.name: field for field in fields if isinstance(field, RichTextField | StreamField)}


def _as_read(value: Any, field: Any) -> Any:
    if isinstance(field, RichTextField):
        return _without_block_keys(value)
    if isinstance(field, StreamField):  # PostgreSQL gives the keys of JSON back in another order
        return [_block_as_read(raw, field.stream_block) for raw in json.loads(value or "[]")]
    if not isinstance(value, list):
        return value
    if all(isinstance(item, dict) for item in value):  # rows below a page
        return [{key: part for key, part in row.items() if key not in ("pk", "page")} for row in value]
    return sorted(value, key=str)  # keys of topics, in the order of names that may change


def _block_as_read(raw: dict[str, Any], stream: Any) -> dict[str, Any]:
    """A stored block, without the keys in the rich text that it is or has."""
    block, value = stream.child_blocks.get(raw["type"]), raw["value"]
    if isinstance(block, RichTextBlock):
        value = _without_block_keys(value)
    elif isinstance(block, StructBlock):
        rich = {name for name, child in block.child_blocks.items() if isinstance(child, RichTextBlock)}
        value = {name: _without_block_keys(part) if name in rich else part for name, part in value.items()}
    return {**raw, "value": value}


def _without_block_keys(source: str | None) -> str | None:
    return _BLOCK_KEY.sub(r"\1", source) if source else source


def unless_published(collector: Any, field: Any, approvals: Any, using: Any) -> None:
    """For `on_delete`: the version that readers see stays, with its approvals, when old versions are purged.

    It goes together with its page. Raises ProtectedError, which Wagtail's `purge_revisions` counts and passes over.
    """
    if isinstance(collector.origin, Revision):
        obj = collector.origin.content_object
        if obj is not None and obj.live_revision_id == collector.origin.pk:
            raise models.ProtectedError(f"“{obj}” is published in this version.", set(approvals))
    models.SET_NULL(collector, field, approvals, using)


def unless_it_holds(collector: Any, field: Any, approvals: Any, using: Any) -> None:
    """For `on_delete`: who approved what readers see, or will see, stays on record. Raises ProtectedError."""
    if held := {each for each in approvals if each.voided_at is None and _is_in_use(each.revision)}:
        raise models.ProtectedError("Somebody approved with this account what readers see. End its access.", held)
    models.SET_NULL(collector, field, approvals, using)


def _is_in_use(revision: Revision | None) -> bool:
    about: Any = revision.content_object if revision else None
    if revision is None or about is None:
        return False
    waits = revision.task_states.filter(status=TaskState.STATUS_IN_PROGRESS).exists()
    return bool(waits or revision.approved_go_live_at or about.live_revision_id == revision.pk)


class Approval(models.Model):
    """One person, or one command, allowed one version. Rows are never changed but to void them."""

    revision = models.ForeignKey(Revision, null=True, on_delete=unless_published, related_name="approvals")
    content_hash = models.CharField(max_length=64)
    role = models.CharField(max_length=20, choices=ApprovalRole.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=unless_it_holds, related_name="+")
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)
    voided_because = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_role_display()}, {self.at:%Y-%m-%d %H:%M}"


class NeedsApproval:
    """The part of pages and snippets that keeps anything from being published that was not approved.

    They have drafts, revisions and a workflow of Wagtail's.
    """

    # Who has to approve a version, each another person.
    approving_roles: tuple[ApprovalRole, ...] = (ApprovalRole.MODERATOR,)
    author_may_approve = False

    # What belongs to the row and not to a version of it. A save takes it from the row, except where this very object
    # was changed since it was read: whoever read it before another transaction changed it writes nothing back.
    OF_THE_ROW: tuple[str, ...] = (
        "live", "live_revision_id", "first_published_at", "last_published_at", "has_unpublished_changes", "expired",
        "latest_revision_id",
    )  # fmt: skip
    # The same, and nobody changes it by a save: the tree does, in the database.
    OF_THE_TREE: tuple[str, ...] = ()
    # The version that the screen showed first, on which this one was typed.
    came_from: Revision | None = None
    _row_as_read: Mapping[str, Any] = MappingProxyType({})  # of an object that was not read from the database, nothing

    pk: Any
    live: Any
    live_revision: Any
    live_revision_id: Any
    latest_revision: Any
    last_published_at: Any
    current_workflow_task_state: Any
    serializable_data: Any

    @classmethod
    def hold(cls, pk: Any) -> dict[str, Any] | None:
        """Wait until nobody else changes this page or snippet, and let nobody else until the transaction is over.

        Returns what belongs to the row, as it is now. The first lock of all: workflows and the ledger come after it.
        `no_key`, because rows of others that refer to this one are no change of it: PostgreSQL looks at it for each of
        those at the commit, when the ledger is held.
        """
        rows: Any = cls
        names = (*cls.OF_THE_ROW, *cls.OF_THE_TREE)
        row: dict[str, Any] | None = (
            rows._base_manager.select_for_update(no_key=True).filter(pk=pk).values(*names).first()
        )
        return row

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Any:
        found = super().from_db(*args, **kwargs)  # type: ignore[misc]
        found._note_the_row()
        return found

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)  # type: ignore[misc]
        self._note_the_row(kwargs.get("fields", args[1] if len(args) > 1 else None))

    def with_content_json(self, content: dict[str, Any]) -> Any:
        version = super().with_content_json(content)  # type: ignore[misc]
        for name in self.OF_THE_ROW:
            setattr(version, name, getattr(self, name))
        version._row_as_read = self._row_as_read
        return version

    def _note_the_row(self, written: Iterable[str] | None = None) -> None:
        """The row is as this object says now: in the fields that were `written` or read, or in all."""
        some = None if written is None else {name.removesuffix("_id") for name in written}
        names = [name for name in self.OF_THE_ROW if some is None or name.removesuffix("_id") in some]
        self._row_as_read = {
            **self._row_as_read,
            **{name: self.__dict__[name] for name in names if name in self.__dict__},
        }

    def take_over_the_row(self) -> bool:
        """Hold the row, and take from it what another transaction may have changed since this object was read.

        Returns whether it was live. Raises NotApproved for what would go offline without being unpublished.
        """
        row = self.hold(self.pk) if self.pk else None
        if row is None:
            return False
        for name, value in row.items():
            changed = name in self._row_as_read and self.__dict__.get(name) != self._row_as_read[name]
            if name in self.OF_THE_TREE or (name in self._row_as_read and not changed):
                setattr(self, name, value)
        if row["live"] and not self.live and self.live_revision_id is not None:
            raise NotApprovedError(f"“{self}” was not saved: it would go offline. Unpublish it instead.")
        return bool(row["live"])

    def publishing_problems(self) -> dict[str, Any]:
        """What keeps this version from being published: field name → what to do. Page types add theirs."""
        return {}

    def made_by(self) -> dict[int, str]:
        """Who made a part of this version beside its text: primary key of the account → which part, in words."""
        return {}

    def hold_files(self) -> None:
        """Wait until nobody else changes the files that this version shows, and let nobody else until it is done."""

    def require_publishable(self, revision: Revision | None) -> None:
        """Raises ValidationError where something is missing, NotApproved where an approval of the revision is."""
        if problems := self.publishing_problems():
            raise ValidationError(problems)
        self.hold_files()
        approvals = Approval.objects.filter(
            revision=revision, content_hash=content_hash(self.serializable_data()), voided_at=None
        )
        if revision is None or not self._is_approved_by(approvals, revision):
            raise NotApprovedError(
                f"“{self}” was not published: this version, with its files as they are now, was not approved. "
                "Submit it for moderation."
            )

    def publishes(self, before: Any) -> bool:
        """Whether saving this object publishes a version, where `before` is its `published_version` until now.

        To save what is live as it is publishes nothing. Raises as `require_publishable` does.
        """
        if not self.live:
            return False
        if (
            before is not None
            and (before.live_revision_id, before.last_published_at) == (self.live_revision_id, self.last_published_at)
            and content_hash(before.serializable_data()) == content_hash(self.serializable_data())
        ):
            return False
        self.require_publishable(self.live_revision)
        return True

    def end_older_approvals(self) -> None:
        """What was published before this version does not come back without being approved again."""
        older = approvals_of(self).filter(revision__lt=self.live_revision_id)
        void(self, older.exclude(content_hash=content_hash(self.serializable_data())), "A later version was published.")

    def published_version(self) -> Any:
        """This object as it is in the database when it is live there, or None."""
        model: Any = type(self)
        return model._default_manager.filter(pk=self.pk, live=True).first() if self.pk else None

    def _is_approved_by(self, approvals: Iterable[Approval], revision: Revision) -> bool:
        people: dict[str, set[int]] = {}
        makers = set()
        if not self.author_may_approve:
            makers = {*makers_of_text(revision), *makers_of_dates(revision), *self.made_by()}
        for approval in approvals:
            if approval.role in WITHOUT_A_SECOND:
                return True
            if approval.by_id and approval.by_id not in makers:
                people.setdefault(approval.role, set()).add(approval.by_id)
        return _each_by_another([people.get(role, set()) for role in self.approving_roles])

    @transaction.atomic
    def save_revision(self, *args: Any, **kwargs: Any) -> Revision:
        """Another text voids the approvals of versions that wait to be published."""
        self.hold(self.pk)
        overwritten, waiting = kwargs.get("overwrite_revision"), self.current_workflow_task_state
        is_asked_about = waiting is not None and overwritten is not None and waiting.revision_id == overwritten.pk
        if overwritten is not None and (is_asked_about or overwritten.approvals.exists()):
            kwargs["overwrite_revision"] = None  # what was approved, or is being read by an approver, is kept as it was
        # Versions are written over and purged: each says who made what it came from.
        latest, brought_back = overwritten or self.latest_revision, kwargs.get("previous_revision")
        makers = handed_on(latest) | handed_on(brought_back) | handed_on(self.came_from)
        text_before = _text_of(latest) if latest else None
        revision: Revision = super().save_revision(*args, **kwargs)  # type: ignore[misc]
        text = _text_of(revision)
        if brought_back and brought_back.pk == _read_now(self) and text == _text_of(brought_back):
            makers = set()  # with what readers see, nothing is left of what others did
        elif text != text_before and revision.user_id:
            makers.add(revision.user_id)
        revision.content = {**revision.content, MAKERS: sorted(makers)}
        Revision.objects.filter(pk=revision.pk).update(content=revision.content)
        if waiting is not None:
            ask_about(revision, waiting)
        others = approvals_of(self).exclude(content_hash=content_hash(revision.content))
        void(self, others.exclude(revision=self.live_revision_id), "The text was changed after the approval.")
        return revision


def ask_about(revision: Revision, waiting: TaskState) -> None:
    """Whoever is asked to approve is asked about the latest version.

    Another text is another question: a screen that shows the text of before can no longer answer it. So are other
    dates, where somebody has approved already. The same, saved once more, keeps the approvals that were given for it.
    """
    state = WorkflowState.objects.select_for_update().get(pk=waiting.workflow_state_id)
    waiting.refresh_from_db()
    if waiting.status != TaskState.STATUS_IN_PROGRESS:
        return
    given = waiting.revision.approvals.filter(voided_at=None).exclude(role__in=WITHOUT_A_SECOND)
    same_dates = _dates_of(waiting.revision) == _dates_of(revision)
    needs_two = len(revision.content_object.approving_roles) > 1
    same = content_hash(waiting.revision.content) == content_hash(revision.content)
    if same and (same_dates or not (needs_two or given)):
        Approval.objects.bulk_create(
            Approval(revision=revision, content_hash=one.content_hash, role=one.role, by=one.by, at=one.at)
            for one in given
        )
        # With the steps before, which Wagtail would otherwise ask for again.
        state.task_states.filter(revision=waiting.revision).update(revision=revision)
        return
    TaskState.objects.filter(pk=waiting.pk).update(status=TaskState.STATUS_CANCELLED, finished_at=timezone.now())
    first = state.get_next_task() or waiting.task  # who approved the version before is asked again
    if first.pk == waiting.task_id:
        state.current_task_state = TaskState.objects.create(workflow_state=state, revision=revision, task=first)
    else:  # with a message to those who are asked again
        state.current_task_state = first.specific.start(state, user=revision.user)
    state.save(update_fields=["current_task_state"])


# Who gives one of several approvals has seen these, too: when something is public, and what readers are told of it.
DATES_SEEN_BY_TWO = ("go_live_at", "expire_at", "last_reviewed_on", "next_review_due_on")


def _dates_of(revision: Revision) -> str:
    return json.dumps([revision.content.get(name) for name in DATES_SEEN_BY_TWO], cls=DjangoJSONEncoder)


NO_DATES = json.dumps([None] * len(DATES_SEEN_BY_TWO))


def _each_by_another(candidates: list[set[int]]) -> bool:
    """Whether one person can be taken from each set without taking anybody twice."""
    if not candidates:
        return True
    return any(_each_by_another([rest - {person} for rest in candidates[1:]]) for person in candidates[0])


def last_approved(about: Any, before: int | None = None) -> Revision | None:
    """The latest version, before that of this key, that all who had to have approved, published then or not.

    Not one whose approvals were ended, because it was taken away or changed: to bring that back is a new decision.
    """
    earlier = Revision.objects.filter(base_content_type=about.get_base_content_type(), object_id=str(about.pk))
    earlier = earlier.filter(pk__lt=before) if before else earlier
    given: dict[int, set[str]] = {}
    standing = Approval.objects.filter(revision__in=earlier, voided_at=None)
    for key, role in standing.values_list("revision", "role"):
        given.setdefault(key, set()).add(role)
    needed, alone = set(about.approving_roles), set(WITHOUT_A_SECOND)
    whole = [key for key, roles in given.items() if roles & alone or needed <= roles]
    return earlier.filter(pk__in=[*whole, _read_now(about)]).order_by("pk").last()


def _read_now(about: Any) -> int | None:
    """The key of the version that readers see, if they see one."""
    return about.live_revision_id if about.live and not getattr(about, "withdrawal_kind", "") else None


def _since_approved(revision: Revision) -> Iterator[tuple[Revision | None, Revision]]:
    """Each version since the last that was approved, this one included, with the one before it."""
    about: Any = revision.content_object
    before = last_approved(about, revision.pk) if about else None
    later = Revision.objects.filter(
        base_content_type=revision.base_content_type_id, object_id=revision.object_id, pk__lte=revision.pk
    )
    for one in later.filter(pk__gt=before.pk if before else 0).order_by("pk").iterator(chunk_size=10):
        yield before, one
        before = one


def makers_of_text(revision: Revision | None) -> set[int]:
    """Who changed anything in the text since it was last approved, and so made a part of it.

    To save a colleague's text once more without a change makes nobody an author. What is said of a file is no part of
    the text here: it changes without anybody editing the page.
    """
    if revision is None:
        return set()
    makers: set[int | None] = set(revision.content.get(TEXT_BY, ()))
    if (noted := revision.content.get(MAKERS)) is not None:
        makers |= set(noted)
    else:  # a version of before they were noted
        text_before: str | None = None
        for before, one in _since_approved(revision):
            if text_before is None and before is not None:
                text_before = _text_of(before)
            text = _text_of(one)
            makers |= set(one.content.get(TEXT_BY, ()))
            if text != text_before:
                makers.add(one.user_id)
            text_before = text
    return {maker for maker in makers if maker is not None}


def handed_on(revision: Revision | None) -> set[int]:
    """Who made a part of what comes from this version: nobody, where it was approved.

    Where something was published once and no approval stands, it was taken away. Then its text is by everybody who
    wrote a version: each was noted as an author of what was new in that version, as the rest was approved.
    """
    about: Any = revision.content_object if revision else None
    if revision is None or about is None:
        return set()
    approved = last_approved(about, revision.pk + 1)
    if approved is None and about.first_published_at:
        return makers_of_text(revision) | _makers_of_all(revision)
    return set() if approved == revision else makers_of_text(revision)


def _makers_of_all(revision: Revision) -> set[int]:
    earlier = Revision.objects.filter(
        base_content_type=revision.base_content_type_id, object_id=revision.object_id, pk__lte=revision.pk
    )
    makers: set[int | None] = set()
    for noted, text_by, saved_by in earlier.values_list(f"content__{MAKERS}", f"content__{TEXT_BY}", "user"):
        makers |= {*([saved_by] if noted is None else noted), *(text_by or ())}
    return {maker for maker in makers if maker is not None}


def makers_of_dates(revision: Revision | None) -> set[int]:
    """Who set one of these dates since they were last approved, where two people have to approve."""
    about: Any = revision.content_object if revision else None
    if revision is None or about is None or len(about.approving_roles) < 2:
        return set()
    makers = {
        one.user_id
        for before, one in _since_approved(revision)
        if _dates_of(one) != (_dates_of(before) if before else NO_DATES)
    }
    return {maker for maker in makers if maker is not None}


def note_makers(revision: Revision, makers: set[int]) -> None:
    """The text of this version was made by these people, whoever saved it: it was copied, brought back, or goes along
    with something that another person did."""
    revision.content = {**revision.content, TEXT_BY: sorted(makers)}
    Revision.objects.filter(pk=revision.pk).update(content=revision.content)


# White space that a form gives back otherwise than it is stored: it makes nobody an author.
_BLOCK = r"(?:p|li|h[1-6]|blockquote)"
_AT_THE_EDGE = re.compile(rf"(<{_BLOCK}\b[^>]*>)\s+|(?<!\s)\s+(?=(?:</[a-z]+>)*</{_BLOCK}>)")


def _text_of(revision: Revision) -> str:
    return json.dumps(_as_given_back(json.loads(_seen_by_approvers(revision.content, ("file_facts",)))), sort_keys=True)


def _as_given_back(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_given_back(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_given_back(part) for part in value]
    if not isinstance(value, str):
        return value
    lines = value.replace("\r\n", "\n").strip(" \n\r\t")
    return _AT_THE_EDGE.sub(r"\1", re.sub(r" {2,}", " ", lines))


def approve(revision: Revision, role: ApprovalRole, user: Any) -> Approval:
    """Write an approval down. Who may give one is for the callers to decide: the step of a workflow
    (pages/models/moderation.py), the fast lane (pages/editing/meeting_changes.py), a command
    (pages/approval/workflow.py)."""
    return Approval.objects.create(
        revision=revision, content_hash=content_hash(revision.content), role=role, by=user, at=timezone.now()
    )


def approvals_of(obj: Any) -> models.QuerySet[Approval]:
    """The approvals of all versions of an object that hold."""
    return Approval.objects.filter(
        revision__base_content_type=obj.get_base_content_type(), revision__object_id=str(obj.pk), voided_at=None
    )


def void(obj: Any, approvals: models.QuerySet[Approval], because: str) -> None:
    """The approvals hold no longer. A publication that was scheduled with them is off, and those concerned are told."""
    rows = list(approvals.select_related("revision__user", "by"))
    if not rows:
        return
    Approval.objects.filter(pk__in=[row.pk for row in rows]).update(voided_at=timezone.now(), voided_because=because)
    scheduled = {row.revision_id: row.revision for row in rows if row.revision and row.revision.approved_go_live_at}
    for revision in scheduled.values():
        revision.approved_go_live_at = None
        revision.save(update_fields=["approved_go_live_at"])
        not_published(obj, revision, because)


def not_published(obj: Any, revision: Revision, because: str) -> None:
    """Tell the author and the approvers that a scheduled publication does not happen."""
    why = "" if getattr(obj, "permission_to_find", "") else f"Why: {because}\n\n"  # of a notice the reference alone
    people = {revision.user, *(approval.by for approval in revision.approvals.select_related("by"))}
    send_mail(
        {person for person in people if person is not None},
        f"Not published: {obj}",
        f"“{obj}” was to be published on a date that was set, and will not be.\n\n{why}"
        "Look at the latest version and submit it for moderation again.",
        obj,
    )
