"""The shape of the public schema: one class per type, nothing private, everything described, printed and reviewed."""

from collections import Counter

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from cms.graphql.schema import schema
from pages import choices
from pages.models import DeathReviewNoticePage, InsightPage

TYPES = {name: kind for name, kind in schema.graphql_schema.type_map.items() if not name.startswith("__")}
# Never in the schema: drafts, schedules, restricted fields, tree paths, integer keys, storage.
PRIVATE_FIELDS = {
    "draftTitle", "expireAt", "goLiveAt", "hasUnpublishedChanges", "latestRevisionCreatedAt", "live", "locked",
    "owner", "path", "depth", "numchild", "pk", "file", "collection", "tags", "uploadedByUser", "rawValue", "field",
    "stage", "decisionReasons", "qaOutcome", "legalClearance", "parallelProceedings", "familyInformedOn",
    "datesToAvoid", "sentToCommissionerOn", "nameBlocklist", "disclosureCheckedBy", "disclosureCheckedOn",
    "updateKind", "changeNote", "confirmedByALawyer", "fileKey",
}  # fmt: skip
ENUMS = {
    "MembershipRole": "RESPONSIBLE_AUTHORITY NON_STATUTORY_MEMBER OBSERVER UNCONFIRMED",
    "AgencySector": "COUNCIL POLICE FIRE PROBATION HEALTH TRANSPORT_POLICE BUSINESS VOLUNTARY HIGHER_EDUCATION "
    "PCC_OFFICE",
    "ActionHorizon": "IN_YEAR STRATEGY_LIFE DELIVERED",
    "ActionStatus": "NOT_REPORTED NOT_STARTED IN_PROGRESS DONE STOPPED",
    "Direction": "UP DOWN SAME",
    "LeadershipKind": "CHAIR LEAD",
    "MeetingWhen": "ALL UPCOMING PAST",
    "MeetingStatus": "PROVISIONAL CONFIRMED RESCHEDULED POSTPONED CANCELLED HELD",
    "OpenToPublic": "OPEN PART CLOSED",
    "AttendanceMode": "IN_PERSON ONLINE HYBRID",
    "AgendaItemAccess": "PUBLIC EXEMPT",
    "PaperKind": "AGENDA REPORT SUPPLEMENT DRAFT_MINUTES MINUTES",
    "YesNoUnknown": "YES NO UNKNOWN",
    "DocumentAccessibility": "YES PARTIAL NO UNKNOWN",
    "PeriodStatus": "PAST CURRENT FUTURE",
    "Precision": "YEAR MONTH DAY",
    "PlanAvailability": "ONLINE ON_REQUEST ARCHIVED",
    "InsightKind": "STRATEGIC_ASSESSMENT OTHER_REPORT DATASET",
    "RenditionName": "THUMBNAIL CARD CONTENT HERO SOCIAL",
    "CalloutTone": "INFORMATION WARNING SUPPORT",
    "AlertSeverity": "NOTICE WARNING EMERGENCY",
    "FeedFormat": "RSS ATOM JSON ICALENDAR",
    "ReviewDocumentKind": "OVERVIEW_REPORT EXECUTIVE_SUMMARY ACTION_PLAN QUALITY_ASSURANCE_LETTER "
    "LEARNING_BRIEFING EASY_READ",
    "ReviewDocumentState": "PUBLISHED WITHHELD NOT_PRODUCED",
    "RecommendationLevel": "LOCAL COUNTY NATIONAL",
    "PublicationDecision": "FULL REDACTED SUMMARY_ONLY DECLINED",
    "ChangeKind": "PUBLISHED UPDATED MOVED WITHDRAWN DELETED",
    "WithdrawalKind": "WITHDRAWN REDIRECT GONE",
}


def fields():
    for type_name, kind in TYPES.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                yield type_name, name, field


@pytest.mark.parametrize("name", ENUMS)
def test_each_enumeration_has_the_values_of_the_contract(name):
    assert list(TYPES[name].values) == ENUMS[name].split()


def test_no_private_field_or_enumeration_is_public():
    found = {(type_name, name) for type_name, name, _ in fields() if name in PRIVATE_FIELDS}
    assert found == {("MeetingChange", "field")}
    assert {kind.__name__ for kind in choices.PRIVATE} & TYPES.keys() == set()


def test_a_death_review_notice_has_exactly_the_public_fields():
    declared = {declaration()[0].field_name for declaration in DeathReviewNoticePage.graphql_fields}
    restricted = {
        "stage", "decision_reasons", "qa_outcome", "legal_clearance", "parallel_proceedings", "family_informed_on",
        "dates_to_avoid", "sent_to_commissioner_on", "name_blocklist",
    }  # fmt: skip
    assert restricted <= {field.name for field in DeathReviewNoticePage._meta.get_fields()}
    assert declared & restricted == set()
    assert {"disclosure_checked_by"} <= {field.name for field in InsightPage._meta.get_fields()}


def test_one_class_per_type_name():
    names = Counter(kind.name for kind in TYPES.values())
    assert {name for name, times in names.items() if times > 1} == set()
    for name, kind in TYPES.items():
        graphene_type = getattr(kind, "graphene_type", None)
        if graphene_type is not None:
            assert graphene_type._meta.name == name
            module = graphene_type.__module__
            assert not module.startswith("grapple.types"), f"{name} is grapple's own type"


def test_everything_is_described():
    silent = [name for name, kind in TYPES.items() if not kind.description and not is_scalar(kind)]
    silent += [f"{type_name}.{name}" for type_name, name, field in fields() if not field.description]
    for type_name, name, field in fields():
        silent += [f"{type_name}.{name}({arg})" for arg, spec in field.args.items() if not spec.description]
    for name, kind in TYPES.items():
        if isinstance(kind, GraphQLEnumType):
            silent += [f"{name}.{value}" for value, spec in kind.values.items() if not spec.description]
    assert silent == []


def is_scalar(kind):
    return not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLEnumType | GraphQLInputObjectType)


def test_lists_hold_no_nulls_and_are_never_null():
    loose = [
        f"{type_name}.{name}: {field.type}"
        for type_name, name, field in fields()
        if "[" in str(field.type) and not (str(field.type).endswith("!]!") or str(field.type).endswith("!]!]!"))
    ]
    assert loose == []


def test_the_query_can_only_read():
    assert schema.graphql_schema.mutation_type is None
    assert schema.graphql_schema.subscription_type is None


def test_no_argument_takes_a_free_sort_order():
    arguments = {arg for _, _, field in fields() for arg in field.args}
    assert arguments == {
        "first", "after", "last", "before", "when", "topic", "priority", "publishedAfter", "period", "urlPath",
        "token", "path", "query", "since", "horizon", "name", "types",
    }  # fmt: skip


def test_the_printed_schema_is_up_to_date():
    call_command("print_schema", "--check")


# What was printed before, as a change of what is printed now → what the check says of the step from there to here.
STEPS = {
    "a field goes": (
        ("  rootUrl: String!\n", "  rootUrl: String!\n  phone: String\n"),
        "Breaks clients: Site.phone was removed.",
    ),
    "a field goes that was deprecated": (
        ("  rootUrl: String!\n", '  rootUrl: String!\n  phone: String @deprecated(reason: "Use contact.")\n'),
        "No client breaks.",
    ),
    "a value goes": (
        ("enum MeetingWhen {", "enum MeetingWhen {\n  SOON"),
        "Breaks clients: SOON was removed from enum type MeetingWhen.",
    ),
    "a value goes that was deprecated": (
        ("enum MeetingWhen {", 'enum MeetingWhen {\n  SOON @deprecated(reason: "Use UPCOMING.")'),
        "No client breaks.",
    ),
    "a field may be null": (
        ("  permanent: Boolean!", "  permanent: [Boolean!]!"),
        "Breaks clients: Redirect.permanent changed type from [Boolean!]! to Boolean!.",
    ),
    "a value comes": (
        ('\n  """Those that have started, the latest first"""\n  PAST\n', ""),
        "May surprise clients: PAST was added to enum type MeetingWhen.",
    ),
    "a field comes": (('\n  """The address of the public website."""\n  rootUrl: String!\n', ""), "No client breaks."),
    "other words": (("Where an old path leads.", "Where it leads."), "No client breaks."),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_change_of_the_schema_is_noticed_and_says_whether_clients_break(step, monkeypatch, tmp_path):
    (now, then), told = STEPS[step]
    stale = tmp_path / "schema.graphql"
    before = str(schema).replace(now, then, 1) + "\n"
    assert before != str(schema) + "\n"
    stale.write_text(before)
    monkeypatch.setattr("cms.management.commands.print_schema.PRINTED", stale)
    with pytest.raises(CommandError) as refused:
        call_command("print_schema", "--check")
    assert str(refused.value).endswith(f"is out of date. Run: manage.py print_schema, and review the change. {told}")
    assert stale.read_text() == before
    if told.startswith("Breaks"):
        with pytest.raises(CommandError, match="Nothing was printed"):
            call_command("print_schema")
        assert stale.read_text() == before
        call_command("print_schema", "--breaking")
    else:
        call_command("print_schema")
    assert stale.read_text() == str(schema) + "\n"
