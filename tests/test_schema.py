"""The shape of the public schema: one class per type, nothing private, everything described, printed and reviewed."""

from collections import Counter
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from cms.graphql.schema.compatibility import schema_changes
from cms.graphql.schema.query import schema
from pages.content import choices
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
    "PictureCrop": "WHOLE LANDSCAPE WIDE SQUARE",
    "PictureWidth": "W320 W640 W960 W1280 W1920",
    "PictureFormat": "AVIF WEBP",
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
        "token", "path", "query", "since", "horizon", "name", "types", "under", "updatedAfter", "publishedBefore",
        "startsAfter", "startsBefore", "status", "id", "ids", "crop", "widths", "format",
    }  # fmt: skip


def test_the_printed_schema_is_up_to_date():
    call_command("print_schema", "--check")


# What was printed before, as a change of what is printed now → what the check says of the step from there to here, on
# 2 May 2027.
PAST, AHEAD = "Goes after 2027-05-01.", "Goes after 2027-05-02."
UNDATED = (
    "is deprecated without six months' notice: end the reason with the day until which it stays, as in "
    '"Goes after 2027-11-01."'
)


def deprecated(reason):
    return f'@deprecated(reason: "Use another. {reason}")'


STEPS = {
    "a field goes": (
        ("  rootUrl: String!\n", "  rootUrl: String!\n  phone: String\n"),
        "Breaks clients: Site.phone was removed.",
    ),
    "a field goes that was deprecated": (
        ("  rootUrl: String!\n", f"  rootUrl: String!\n  phone: String {deprecated(PAST)}\n"),
        "No client breaks.",
    ),
    "a field goes before its day": (
        ("  rootUrl: String!\n", f"  rootUrl: String!\n  phone: String {deprecated(AHEAD)}\n"),
        "Breaks clients: Site.phone was removed. It was promised until 2027-05-02.",
    ),
    "a field goes that was deprecated without a day": (
        ("  rootUrl: String!\n", f"  rootUrl: String!\n  phone: String {deprecated('')}\n"),
        "Breaks clients: Site.phone was removed.",
    ),
    "a field goes with the type that it alone led to": (
        (
            "  rootUrl: String!\n}\n",
            f"  rootUrl: String!\n  phone: Phone {deprecated(PAST)}\n}}\ntype Phone {{ a: Int }}\n",
        ),
        "No client breaks.",
    ),
    "an argument goes": (
        ("  rootUrl: String!\n", "  rootUrl(a: Int): String!\n"),
        "Breaks clients: Site.rootUrl arg a was removed.",
    ),
    "an argument goes that was deprecated": (
        ("  rootUrl: String!\n", f"  rootUrl(a: Int {deprecated(PAST)}): String!\n"),
        "No client breaks.",
    ),
    "an argument goes before its day": (
        ("  rootUrl: String!\n", f"  rootUrl(a: Int {deprecated(AHEAD)}): String!\n"),
        "Breaks clients: Site.rootUrl arg a was removed. It was promised until 2027-05-02.",
    ),
    "a value goes": (
        ("enum MeetingWhen {", "enum MeetingWhen {\n  SOON"),
        "Breaks clients: SOON was removed from enum type MeetingWhen.",
    ),
    "a value goes that was deprecated": (
        ("enum MeetingWhen {", f"enum MeetingWhen {{\n  SOON {deprecated(PAST)}"),
        "No client breaks.",
    ),
    "a value goes before its day": (
        ("enum MeetingWhen {", f"enum MeetingWhen {{\n  SOON {deprecated(AHEAD)}"),
        "Breaks clients: SOON was removed from enum type MeetingWhen. It was promised until 2027-05-02.",
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


@time_machine.travel(datetime(2027, 5, 2, 12, tzinfo=UTC), tick=False)
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


INPUT = "input Wanted { other: Int, %s }"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (PAST, []),
        (AHEAD, ["Wanted.phone was removed. It was promised until 2027-05-02."]),
        ("", ["Wanted.phone was removed."]),
    ],
)
@time_machine.travel(datetime(2027, 5, 2, 12, tzinfo=UTC), tick=False)
def test_a_field_of_an_input_goes_when_its_day_has_passed(reason, told):
    query = "type Query { a(wanted: Wanted): Int } "
    before = query + INPUT % f"phone: Int {deprecated(reason)}"
    assert schema_changes(before, query + INPUT % "").breaking == told


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (None, "Goes after 2027-11-01.", []),
        (None, "Goes after 2027-10-31.", [f"Site.phone {UNDATED}"]),
        (None, "Goes after 2027-13-01.", [f"Site.phone {UNDATED}"]),
        (None, "", [f"Site.phone {UNDATED}"]),
        (PAST, PAST, []),
        (PAST, AHEAD, []),  # longer than was promised
        (AHEAD, PAST, [f"Site.phone {UNDATED}"]),
    ],
)
@time_machine.travel(datetime(2027, 5, 2, 12, tzinfo=UTC), tick=False)
def test_what_is_to_go_is_announced_six_months_before(before, now, told):
    def printed(reason):
        return f"type Query {{ site: Site }} type Site {{ phone: Int {'' if reason is None else deprecated(reason)} }}"

    assert schema_changes(printed(before), printed(now)).breaking == told
