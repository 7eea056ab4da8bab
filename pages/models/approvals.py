"""Approvals of versions of pages and snippets, and the rule that nothing is published without them.

`NeedsApproval` is a mixin of all pages and of all snippets with public text. Every route to publication (workflow,
schedule, copy, command, code) ends in `save`, which checks the approvals. An approval belongs to one revision and to a
hash of its content, so it does not cover texts or files that changed afterwards.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models.deletion import Collector
from django.utils import timezone
from wagtail.blocks import RichTextBlock, StreamBlock, StructBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Revision, TaskState, WorkflowState

from pages.content.choices import ApprovalRole
from pages.content.mail import send_mail

# Keys in the content of a revision: everybody who ever changed its text, or its dates, and the revision in which they
# last did. Which of them are authors is worked out at each decision, because approvals end.
MAKERS, DATES_BY = "makers", "dates_by"
TEXT_BY = "text_by"  # in older revisions: authors of the text other than the user of the revision
# Fields about the state of a version in the system, and about its dates. Readers do not see them as content, and
# moderators may set dates on what others approved. All other fields, including new ones, need approval.
NOT_APPROVED_BY_ANYBODY = {
    "dates_by", "makers",
    "content_type", "contentpage_ptr", "depth", "draft_title", "expire_at", "expired", "files", "first_published_at",
    "go_live_at", "has_unpublished_changes", "last_published_at", "last_reviewed_on", "latest_revision",
    "latest_revision_created_at", "live", "live_revision", "locale", "locked", "locked_at", "locked_by",
    "marked_reviewed_at", "name_blocklist",
    "next_review_due_on", "numchild", "owner", "page_ptr", "path", "pk", "public_id", "public_updated_at", "text_by",
    "translation_key", "url_path", "wagtail_admin_comments", "withdrawal_alternative", "withdrawal_explanation",
    "withdrawal_kind", "withdrawn_at",
}  # fmt: skip
# One approval in such a role is enough.
SUFFICIENT_ROLES = (ApprovalRole.COMMAND, ApprovalRole.FAST_LANE)


class NotApprovedError(Exception):
    """A version was to be published, or decided on, and must not be. The message is for the user."""


class AlreadyDoneError(NotApprovedError):
    """The same person did this already, for example with a double click."""


def content_hash(content: dict[str, Any], without: Iterable[str] = ()) -> str:
    """SHA-256 (hexadecimal) of the approved fields of a version, but for those in `without`.

    `content` is the content of a revision, or the `serializable_data` of an object. Child rows count without their
    primary keys, which they get only on publication.
    """
    return hashlib.sha256(_approved_json(content, without).encode()).hexdigest()


def _approved_json(content: dict[str, Any], without: Iterable[str]) -> str:
    """The approved fields of a version as JSON that is the same for the same content."""
    fields = _fields_with_rich_text(content.get("content_type"))
    approved = {
        name: _normalised(value, fields.get(name))
        for name, value in content.items()
        if name not in NOT_APPROVED_BY_ANYBODY and name not in without
    }
    return json.dumps(approved, sort_keys=True, cls=DjangoJSONEncoder)


# The rich-text editor adds these attributes to paragraphs. They are not part of the text. The same characters outside
# of a tag are.
_BLOCK_KEY = re.compile(r'(<[a-z][a-z0-9]*) data-block-key="[^"<>]*"')


def _fields_with_rich_text(content_type: int | None) -> "dict[str, models.Field[Any, Any]]":
    """The RichTextFields and StreamFields of a model by name."""
    model = ContentType.objects.get_for_id(content_type).model_class() if content_type else None
    fields = model._meta.get_fields() if model else ()
    return {field.name: field for field in fields if isinstance(field, RichTextField | StreamField)}


def _normalised(value: Any, field: "models.Field[Any, Any] | None") -> Any:
    """A stored value without what may differ between versions with the same content."""
    if isinstance(field, RichTextField):
        return _without_block_keys(value)
    if isinstance(field, StreamField):  # PostgreSQL does not keep the order of JSON keys
        return [_normalised_block(raw, field.stream_block) for raw in json.loads(value or "[]")]
    if not isinstance(value, list):
        return value
    if all(isinstance(item, dict) for item in value):  # child rows
        return [{key: part for key, part in row.items() if key not in ("pk", "page")} for row in value]
    return sorted(value, key=str)  # primary keys of topics, ordered by names that may change


def _normalised_block(raw: dict[str, Any], stream: StreamBlock) -> dict[str, Any]:
    """A stored block without `data-block-key` attributes in its rich text."""
    block, value = stream.child_blocks.get(raw["type"]), raw["value"]
    if isinstance(block, RichTextBlock):
        value = _without_block_keys(value)
    elif isinstance(block, StructBlock):
        rich = {name for name, child in block.child_blocks.items() if isinstance(child, RichTextBlock)}
        value = {name: _without_block_keys(part) if name in rich else part for name, part in value.items()}
    return {**raw, "value": value}


def _without_block_keys(source: str | None) -> str | None:
    return _BLOCK_KEY.sub(r"\1", source) if source else source


def unless_published(
    collector: Collector, field: "models.ForeignKey[Any, Any]", approvals: "models.QuerySet[Approval]", using: str
) -> None:
    """For `on_delete`: protects the approvals of the live revision, unless its page is deleted.

    Raises ProtectedError, which Wagtail's `purge_revisions` counts and skips.
    """
    if isinstance(collector.origin, Revision):
        obj = collector.origin.content_object
        if obj is not None and obj.live_revision_id == collector.origin.pk:
            raise models.ProtectedError(f"“{obj}” is published in this version.", set(approvals))
    models.SET_NULL(collector, field, approvals, using)


def unless_it_holds(
    collector: Collector, field: "models.ForeignKey[Any, Any]", approvals: "models.QuerySet[Approval]", using: str
) -> None:
    """For `on_delete`: protects the accounts that approved versions in use. Raises ProtectedError."""
    if in_use := {each for each in approvals if each.voided_at is None and _is_in_use(each.revision)}:
        message = "This account approved what readers see. Deactivate the account instead of deleting it."
        raise models.ProtectedError(message, {*in_use})
    models.SET_NULL(collector, field, approvals, using)


def _is_in_use(revision: Revision | None) -> bool:
    """Whether a revision is live, scheduled or awaiting approval."""
    about: Any = revision.content_object if revision else None
    if revision is None or about is None:
        return False
    is_waiting = revision.task_states.filter(status=TaskState.STATUS_IN_PROGRESS).exists()
    return bool(is_waiting or revision.approved_go_live_at or about.live_revision_id == revision.pk)


class Approval(models.Model):
    """The approval of one version by one person or command. Rows never change, except when they are voided."""

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
    """A mixin for pages and snippets, so that no version is published without approval.

    The models also have Wagtail's drafts, revisions and workflows.
    """

    # The roles that have to approve a version, each by another person.
    approving_roles: tuple[ApprovalRole, ...] = (ApprovalRole.MODERATOR,)
    author_may_approve = False

    # Fields of the row, not of a version. A save takes their values from the row, except for those that were changed on
    # this object since it was read. So an old object does not overwrite what another transaction has changed.
    OF_THE_ROW: tuple[str, ...] = (
        "live", "live_revision_id", "first_published_at", "last_published_at", "has_unpublished_changes", "expired",
        "latest_revision_id",
    )  # fmt: skip
    # The same, for fields that only tree operations in the database change, and no save.
    OF_THE_TREE: tuple[str, ...] = ()
    # The version on the edit screen when it was opened, on which this version is based.
    opened_revision: Revision | None = None
    _remembered_row: Mapping[str, Any] = MappingProxyType({})  # empty if it was not read from the database

    pk: Any
    live: Any
    live_revision: Any
    live_revision_id: Any
    latest_revision: Any
    latest_revision_id: Any
    revisions: Any
    workflow_states: Any
    get_base_content_type: Any
    get_latest_revision: Any
    first_published_at: Any
    last_published_at: Any
    current_workflow_task_state: Any
    serializable_data: Any

    @classmethod
    def hold(cls, pk: int | str) -> dict[str, Any] | None:
        """Locks the row of a page or snippet until the end of the transaction, and returns its current fields.

        Lock it before workflows and the ledger, to prevent deadlocks. `no_key`, so that new rows that refer to this one
        need not wait: PostgreSQL checks foreign keys at the commit, while the ledger is locked.
        """
        rows: Any = cls
        names = (*cls.OF_THE_ROW, *cls.OF_THE_TREE)
        row: dict[str, Any] | None = (
            rows._base_manager.select_for_update(no_key=True).filter(pk=pk).values(*names).first()
        )
        return row

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Any:
        obj = super().from_db(*args, **kwargs)  # type: ignore[misc]
        obj._remember_row()
        return obj

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)  # type: ignore[misc]
        self._remember_row(fields)

    def with_content_json(self, content: dict[str, Any]) -> Any:
        version = super().with_content_json(content)  # type: ignore[misc]
        for name in self.OF_THE_ROW:
            setattr(version, name, getattr(self, name))
        version._remembered_row = self._remembered_row
        return version

    def _remember_row(self, fields: Iterable[str] | None = None) -> None:
        """Remember the values that the row has now, in the `fields` that were read or written, or in all fields."""
        wanted = None if fields is None else {name.removesuffix("_id") for name in fields}
        names = [name for name in self.OF_THE_ROW if wanted is None or name.removesuffix("_id") in wanted]
        self._remembered_row = {
            **self._remembered_row,
            **{name: self.__dict__[name] for name in names if name in self.__dict__},
        }

    def lock_and_merge_row(self) -> bool:
        """Lock the row, and copy the fields from it that were not changed on this object since it was read.

        Returns whether the row is live. Raises NotApprovedError if a save would make it not live without unpublishing.
        """
        row = self.hold(self.pk) if self.pk else None
        if row is None:
            return False
        for name, value in row.items():
            changed = name in self._remembered_row and self.__dict__.get(name) != self._remembered_row[name]
            if name in self.OF_THE_TREE or (name in self._remembered_row and not changed):
                setattr(self, name, value)
        if row["live"] and not self.live and self.live_revision_id is not None:
            raise NotApprovedError(f"“{self}” was not saved: it would go offline. Unpublish it instead.")
        return bool(row["live"])

    def publishing_problems(self) -> dict[str, Any]:
        """Why this version cannot be published: field name → what to do. Page types add their own rules."""
        return {}

    def made_by(self) -> dict[int, str]:
        """Who made a part of this version other than its text: primary key of the account → the part, in words."""
        return {}

    def hold_files(self) -> None:
        """Locks the files of this version until the end of the transaction."""

    def require_publishable(self, revision: Revision | None) -> None:
        """Raises ValidationError if the version breaks a rule, NotApprovedError if its revision lacks an approval."""
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

    def publishes(self, before: "NeedsApproval | None") -> bool:
        """Whether saving this object publishes a version. `before` is the `published_version` until now.

        Saving a live object without changes publishes nothing. Raises as `require_publishable` does.
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
        """Void the approvals of older versions, so that they need a new approval to be published again."""
        older = approvals_of(self).filter(revision__lt=self.live_revision_id)
        void(self, older.exclude(content_hash=content_hash(self.serializable_data())), "A later version was published.")

    def published_version(self) -> Any:
        """This object as it is in the database, if it is live there, or None."""
        model: Any = type(self)
        return model._default_manager.filter(pk=self.pk, live=True).first() if self.pk else None

    def _is_approved_by(self, approvals: Iterable[Approval], revision: Revision) -> bool:
        """Whether the approvals are enough: one of each role, from different people who made no part of the version."""
        people: dict[str, set[int]] = {}
        makers = set()
        if not self.author_may_approve:
            text, dates = makers_of_text(revision, decided=True), makers_of_dates(revision, decided=True)
            makers = {*text, *dates, *self.made_by()}
        for approval in approvals:
            if approval.role in SUFFICIENT_ROLES:
                return True
            if approval.by_id and approval.by_id not in makers:
                people.setdefault(approval.role, set()).add(approval.by_id)
        return _has_distinct_people([people.get(role, set()) for role in self.approving_roles])

    @transaction.atomic
    def save_revision(self, *args: Any, **kwargs: Any) -> Revision:
        """Saves a revision, notes its authors, and updates the open task and the approvals.

        If the content changed, the approvals of versions that are not live are voided.
        """
        self.hold(self.pk)
        overwritten, waiting = kwargs.get("overwrite_revision"), self.current_workflow_task_state
        is_under_review = waiting is not None and overwritten is not None and waiting.revision_id == overwritten.pk
        if overwritten is not None and (is_under_review or overwritten.approvals.exists()):
            kwargs["overwrite_revision"] = None  # keep what was approved or is under review
        latest, brought_back = overwritten or self.latest_revision, kwargs.get("previous_revision")
        based_on = Basis(latest, [one for one in (brought_back, self.opened_revision) if one])
        revision: Revision = super().save_revision(*args, **kwargs)  # type: ignore[misc]
        made = {part: based_on.made_in(revision, part) for part in _PARTS}
        if (
            brought_back
            and brought_back.pk == _public_revision_id(self)
            and _text_of(revision) == _text_of(brought_back)
        ):
            made[MAKERS] = _made_in(brought_back, MAKERS)  # the later changes of others are gone
        _note(revision, made)
        others = approvals_of(self).exclude(content_hash=content_hash(revision.content))
        void(self, others.exclude(revision=self.live_revision_id), "The text was changed after the approval.")
        if waiting is not None:
            update_task_state(revision, waiting)
        return revision


class Basis:
    """The revisions on which a new one is based, as they are before it is saved, which may overwrite one of them.

    Revisions are overwritten and purged, so each records the authors of those on which it is based.
    """

    def __init__(self, latest: Revision | None, others: list[Revision]) -> None:
        """`latest` is the version before; `others` were restored, or were on the screen when it was opened."""
        self.before = {part: read(latest) if latest else NOTHING[part] for part, read in _PARTS.items()}
        others = [one for one in others if latest is None or one.pk != latest.pk]
        based_on = [*([latest] if latest else []), *others]
        self.made = {part: _latest_of_each(based_on, part) for part in _PARTS}
        # What was not approved then may have been removed, and a later version approved without it.
        self.brought_back = {
            part: set[int]().union(*(_not_approved_in(one, part) for one in others)) for part in _PARTS
        }

    def made_in(self, revision: Revision, part: str) -> dict[int, int]:
        """The record of a revision that was saved on this basis: see `_made_in`."""
        changed = _PARTS[part](revision) != self.before[part]
        people = {*self.brought_back[part], *([revision.user_id] if changed and revision.user_id else [])}
        return self.made[part] | dict.fromkeys(people, revision.pk)


def _latest_of_each(revisions: list[Revision], part: str) -> dict[int, int]:
    """Everybody who changed a part of these revisions, and the latest revision in which they did."""
    known = sorted((last, who) for one in revisions for who, last in _made_in(one, part).items())
    return {who: last for last, who in known}


def update_task_state(revision: Revision, waiting: TaskState) -> None:
    """Point the open task state at the latest revision, or replace the task state.

    The same content keeps its approvals, which move to the revision. Changed content, and changed dates if two people
    have to approve or one has approved, get a new task state and no approvals. So nobody can decide on a screen with
    the old content.
    """
    state = WorkflowState.objects.select_for_update().get(pk=waiting.workflow_state_id)
    waiting.refresh_from_db()
    if waiting.status != TaskState.STATUS_IN_PROGRESS:
        return
    given = list(waiting.revision.approvals.filter(voided_at=None).exclude(role__in=SUFFICIENT_ROLES))
    end_undecided(revision, "It was saved again before everybody had approved it.")
    same_dates = _dates_of(waiting.revision) == _dates_of(revision)
    needs_two = len(revision.content_object.approving_roles) > 1
    same = content_hash(waiting.revision.content) == content_hash(revision.content)
    if same and (same_dates or not (needs_two or given)):
        Approval.objects.bulk_create(
            Approval(revision=revision, content_hash=one.content_hash, role=one.role, by=one.by, at=one.at)
            for one in given
        )
        # With the earlier task states, whose tasks Wagtail would otherwise start again.
        state.task_states.filter(revision=waiting.revision).update(revision=revision)
        return
    TaskState.objects.filter(pk=waiting.pk).update(status=TaskState.STATUS_CANCELLED, finished_at=timezone.now())
    first = state.get_next_task() or waiting.task  # those who approved the last revision approve again
    if first.pk == waiting.task_id:
        state.current_task_state = TaskState.objects.create(workflow_state=state, revision=revision, task=first)
    else:  # which notifies the approvers
        state.current_task_state = first.specific.start(state, user=revision.user)
    state.save(update_fields=["current_task_state"])


# If a version needs two approvals, these dates are approved, too: when it is public, and when it is reviewed.
DATES_APPROVED_BY_TWO = ("go_live_at", "expire_at", "last_reviewed_on", "next_review_due_on")


def _dates_of(revision: Revision) -> str:
    """The dates of a revision as JSON, to compare."""
    return json.dumps([revision.content.get(name) for name in DATES_APPROVED_BY_TWO], cls=DjangoJSONEncoder)


# What comes before the first version.
NOTHING = {MAKERS: "", DATES_BY: json.dumps([None] * len(DATES_APPROVED_BY_TWO))}


def _has_distinct_people(candidates: list[set[int]]) -> bool:
    """Whether one person can be taken from each set without taking anybody twice."""
    if not candidates:
        return True
    return any(_has_distinct_people([rest - {person} for rest in candidates[1:]]) for person in candidates[0])


def last_approved(about: NeedsApproval, before: int | None = None, decided: bool = False) -> Revision | None:
    """The latest revision that is approved: the one that readers see, or one that all have approved for a later date.

    `before` limits it to earlier primary keys. `decided` is for versions whose approvals were given already: what was
    approved when they were given counts unless its approvals have been voided since. It may have expired, or the later
    version may have taken its place.
    """
    earlier = Revision.objects.filter(base_content_type=about.get_base_content_type(), object_id=str(about.pk))
    earlier = earlier.filter(pk__lt=before) if before else earlier
    given: dict[int, set[str]] = {}
    counted = earlier if decided else earlier.filter(approved_go_live_at__isnull=False)
    standing = Approval.objects.filter(revision__in=counted, voided_at=None)
    for key, role in standing.values_list("revision", "role"):
        given.setdefault(key, set()).add(role)
    needed, sufficient = set(about.approving_roles), set(SUFFICIENT_ROLES)
    approved = {key for key, roles in given.items() if roles & sufficient or needed <= roles}
    if _is_over(about):  # its approvals are voided within a minute, when the expiry is processed
        approved.discard(about.live_revision_id)
    return earlier.filter(pk__in=[*approved, _public_revision_id(about)]).order_by("pk").last()


def _is_over(about: Any) -> bool:
    """Whether it has expired, also if that is not processed yet."""
    return about.expire_at is not None and about.expire_at <= timezone.now()


def _public_revision_id(about: NeedsApproval) -> int | None:
    """The primary key of the revision that readers see, or None."""
    withdrawn = getattr(about, "withdrawal_kind", "")
    return about.live_revision_id if about.live and not withdrawn and not _is_over(about) else None


def _as_stored(one: Revision | WorkflowState) -> Any:
    """The page or snippet of a revision or workflow, read from the database now, or None if it is deleted.

    `content_object` may be an older copy, which somebody has unpublished since.
    """
    model: Any = one.content_type.model_class()
    return model._base_manager.filter(pk=one.object_id).first() if model else None


def _made_in(revision: Revision, part: str) -> dict[int, int]:
    """Everybody who ever changed a part of a version, and the primary key of the revision in which they last did.

    `part` is `MAKERS` or `DATES_BY`. The record has no regard to approvals, which may end later.
    """
    is_noted = isinstance(revision.content.get(part), dict)
    return _noted(revision, part) if is_noted else _made_before_records(revision, part)


def _noted(revision: Revision, part: str) -> dict[int, int]:
    return {int(who): last for who, last in revision.content[part].items()}


def _made_before_records(revision: Revision, part: str) -> dict[int, int]:
    """The same for a revision from before this was recorded, from all revisions up to it."""
    made: dict[int, int] = {}
    before = NOTHING[part]
    earlier = Revision.objects.filter(
        base_content_type=revision.base_content_type_id, object_id=revision.object_id, pk__lte=revision.pk
    )
    for one in earlier.order_by("pk").iterator(chunk_size=10):
        now, noted = _PARTS[part](one), one.content.get(part)
        if isinstance(noted, dict):
            made = _noted(one, part)
        else:
            people = noted if noted is not None else [one.user_id] * (now != before)
            people = [*people, *(one.content.get(TEXT_BY, ()) if part == MAKERS else ())]
            made |= {who: one.pk for who in people if who is not None}
        before = now
    return made


def _made_since_approval(
    revision: Revision | None, part: str, inclusive: bool = False, decided: bool = False
) -> set[int]:
    """Who changed a part of a version since the last version that is approved at this moment: see `last_approved`.

    Nobody, if that is the version itself and `inclusive`. An approval that has ended clears nobody.
    """
    about = _as_stored(revision) if revision else None
    if revision is None or about is None:
        return set()
    approved = last_approved(about, revision.pk + inclusive, decided)
    cleared = _made_in(approved, part) if approved else {}
    return {who for who, last in _made_in(revision, part).items() if last > cleared.get(who, 0)}


def _not_approved_in(revision: Revision, part: str) -> set[int]:
    """Who made a part of an older version that is not approved. Nobody, if readers see the same, in a later version."""
    about = _as_stored(revision)
    public = Revision.objects.filter(pk=_public_revision_id(about)).first() if about else None
    if public is not None and public.pk > revision.pk and _PARTS[part](public) == _PARTS[part](revision):
        return set()
    return _made_since_approval(revision, part, inclusive=True)


def makers_of_text(revision: Revision | None, decided: bool = False) -> set[int]:
    """Primary keys of the accounts that changed the text since the last version that is approved at this moment.

    Saving a colleague's text without a change makes nobody an author. Descriptions of files are not part of the text
    here, because they change without an edit of the page. `decided`: see `last_approved`.
    """
    return _made_since_approval(revision, MAKERS, decided=decided)


def makers_of_dates(revision: Revision | None, decided: bool = False) -> set[int]:
    """Who changed an approved date since the last approval, if two people have to approve."""
    model: Any = revision.content_type.model_class() if revision else None
    needs_two = model and len(model.approving_roles) > 1
    return _made_since_approval(revision, DATES_BY, decided=decided) if needs_two else set()


def note_makers(revision: Revision, makers: set[int]) -> None:
    """Record these authors of the text of a revision, in addition to those that it has.

    For a text that was saved with another person's action.
    """
    _note(revision, {MAKERS: _made_in(revision, MAKERS) | dict.fromkeys(makers, revision.pk)})


def note_makers_of_original(copy: Revision, original: Revision | None) -> None:
    """Record all authors of a text and its dates as authors of a copy. Nothing in a copy was approved."""
    if original is not None:
        _note(copy, {part: _made_in(copy, part) | dict.fromkeys(_made_in(original, part), copy.pk) for part in _PARTS})


def _note(revision: Revision, made: dict[str, dict[int, int]]) -> None:
    record = {part: {str(who): last for who, last in sorted(people.items())} for part, people in made.items()}
    revision.content = {**revision.content, **record}
    Revision.objects.filter(pk=revision.pk).update(content=revision.content)


# White space that a form may change although nobody edits the text.
_BLOCK_ELEMENT = r"(?:p|li|h[1-6]|blockquote)"
_EDGE_WHITE_SPACE = re.compile(rf"(<{_BLOCK_ELEMENT}\b[^>]*>)\s+|(?<!\s)\s+(?=(?:</[a-z]+>)*</{_BLOCK_ELEMENT}>)")


def _text_of(revision: Revision) -> str:
    """The content of a revision without descriptions of files, with white space normalised, as JSON to compare."""
    return json.dumps(_with_normal_space(json.loads(_approved_json(revision.content, ("file_facts",)))), sort_keys=True)


def _with_normal_space(value: Any) -> Any:
    """JSON whose texts have the white space that a form would return."""
    if isinstance(value, dict):
        return {name: _with_normal_space(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_normal_space(part) for part in value]
    if not isinstance(value, str):
        return value
    lines = value.replace("\r\n", "\n").strip(" \n\r\t")
    return _EDGE_WHITE_SPACE.sub(r"\1", re.sub(r" {2,}", " ", lines))


# The parts of a version whose authors are recorded, and what to compare.
_PARTS: dict[str, Callable[[Revision], str]] = {MAKERS: _text_of, DATES_BY: _dates_of}


def approve(revision: Revision, role: ApprovalRole, user: User | None) -> Approval:
    """Create an approval. It checks no permission.

    Its callers do: the workflow task (pages/models/moderation.py), the fast lane (pages/editing/meeting_changes.py) and
    commands (pages/approval/workflow.py).
    """
    return Approval.objects.create(
        revision=revision, content_hash=content_hash(revision.content), role=role, by=user, at=timezone.now()
    )


def approvals_of(obj: NeedsApproval) -> models.QuerySet[Approval]:
    """The valid approvals of all versions of an object."""
    return Approval.objects.filter(
        revision__base_content_type=obj.get_base_content_type(), revision__object_id=str(obj.pk), voided_at=None
    )


def void(obj: NeedsApproval, approvals: models.QuerySet[Approval], because: str) -> None:
    """Void approvals. Unschedule publications that relied on them, and notify authors and approvers."""
    rows = list(approvals.select_related("revision__user", "by"))
    if not rows:
        return
    Approval.objects.filter(pk__in=[row.pk for row in rows]).update(voided_at=timezone.now(), voided_because=because)
    scheduled = {row.revision_id: row.revision for row in rows if row.revision and row.revision.approved_go_live_at}
    for revision in scheduled.values():
        revision.approved_go_live_at = None
        revision.save(update_fields=["approved_go_live_at"])
        not_published(obj, revision, because)


def end_undecided(of: Revision | WorkflowState, because: str, stopped: Revision | None = None) -> None:
    """Void the approvals of versions that are later than what is public or approved for a date.

    To be called when a workflow has ended without a publication, or begins again. `stopped` is a version whose date was
    taken off: its approvals end, with those on which they were based, and not those of versions after it.
    """
    obj = _as_stored(of)
    if not isinstance(obj, NeedsApproval):
        return
    scheduled = obj.revisions.filter(approved_go_live_at__isnull=False).values_list("pk", flat=True)
    decided = max(scheduled, default=0)
    if obj.live:
        decided = max(decided, obj.live_revision_id or 0)
    undecided = models.Q(revision__gt=decided)
    if stopped is not None:  # it was one of two that have a date, or a later version awaits approval
        undecided = undecided & models.Q(revision__lte=stopped.pk) | models.Q(revision=stopped)
    void(obj, approvals_of(obj).filter(undecided), because)


def not_published(obj: NeedsApproval, revision: Revision, because: str) -> None:
    """Notify the author and the approvers of a revision that its scheduled publication was cancelled."""
    why = "" if getattr(obj, "permission_to_find", "") else f"Why: {because}\n\n"  # mail names confidential pages only
    people = {revision.user, *(approval.by for approval in revision.approvals.select_related("by"))}
    send_mail(
        {person for person in people if person is not None},
        f"Not published: {obj}",
        f"“{obj}” was scheduled for publication and will not be published.\n\n{why}"
        "Look at the latest version and submit it for moderation again.",
        obj,
    )
