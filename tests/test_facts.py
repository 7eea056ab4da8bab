"""The partnership's facts, each through the public API at the place where a front end looks for it.

The numbers in the names are those of the list of facts that the demo content was checked against.
"""

import json
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from tests.factories import london

QUERY = """
fragment P on PriorityPage { number title rationale { text } actions { text horizon status dueOn leadAgency { name } } }
query Facts {
  partnership {
    name strapline introduction { text } lastReviewedOn
    memberships { role agency { name sector } }
    contact { team email phone }
    relatedWork { title }
    currentPeriod {
      title startsOn { value precision } endsOn { value precision } status
      evidence { title kind referenceYear }
      evidenceStatements { text value unit direction }
      priorities { ...P }
    }
    pastPeriods { title startsOn { value precision } endsOn { value precision } status priorities { ...P } }
    currentPlan { title effectiveFrom { value precision } effectiveTo { value } availability }
  }
  nextMeeting { title urlPath startsAt endsAt joiningUrl venue { name room address postcode stepFree hearingLoop } }
  businessAsUsual {
    topics { title }
    workAreas { name leadershipKind ledBy { name agency { name } } activities }
  }
  insights { nodes { title subjects } }
  news { totalCount }
  deathReviews { totalCount }
  meetings { totalCount }
  insightIndex: page(urlPath: "/insights/") { ... on PublicationIndexPage { introduction { text } } }
  reviews: page(urlPath: "/annual-reviews/") { ... on PublicationIndexPage { introduction { text } } }
  deaths: page(urlPath: "/death-reviews/") { ... on DeathReviewIndexPage { introduction { text } showSafeExit } }
}
"""
MORE = """{
  meetingIndex: page(urlPath: "/meetings/") { ... on MeetingIndexPage { introduction { text } } }
  plans: page(urlPath: "/plans/") { ... on PublicationIndexPage { introduction { text } } }
}"""
MEMBERS = [
    "Cambridge City Council",
    "Cambridgeshire and Peterborough Integrated Care Partnership",
    "Cambridgeshire and Peterborough NHS Foundation Trust",
    "Cambridgeshire Constabulary",
    "Cambridgeshire County Council",
    "Cambridgeshire Fire and Rescue Service",
    "Probation Service – Cambridgeshire and Peterborough Probation Delivery Unit",
    "Anglia Ruskin University",
    "British Transport Police",
    "Cambridge Business Against Crime",
    "Cambridge Council for Voluntary Service",
    "Cambridge University Hospitals NHS Foundation Trust",
    "University of Cambridge",
]
WEBSITE_DAY = london(2026, 2, 11, 12)


@pytest.fixture(scope="module")
def facts(recorded_demo, django_db_blocker):
    """The answers to both queries over the demo content on 11 February 2026, read once for the whole module."""
    with django_db_blocker.unblock(), transaction.atomic(), time_machine.travel(WEBSITE_DAY, tick=False):
        cache.clear()
        recorded_demo.write()
        bodies = [
            json.loads(Client().post("/graphql/", {"query": query}, content_type="application/json").content)
            for query in (QUERY, MORE)
        ]
        transaction.set_rollback(True)
    cache.clear()
    assert [body.get("errors") for body in bodies] == [None, None]
    return bodies[0]["data"] | bodies[1]["data"]


def _words(text: str, *needed: str) -> None:
    missing = [word for word in needed if word.lower() not in text.lower()]
    assert not missing, f"{missing} not in: {text}"


def _has(actions, horizon, *needed):
    """Exactly one action of this horizon has all the words."""
    found = [
        action["text"]
        for action in actions
        if action["horizon"] == horizon and all(word.lower() in action["text"].lower() for word in needed)
    ]
    assert len(found) == 1, (needed, [action["text"] for action in actions])
    return found[0]


def test_facts_1_to_2_name_and_strapline(facts):
    assert facts["partnership"]["name"] == "Cambridge Community Safety Partnership"
    assert facts["partnership"]["strapline"].lower() == "working together to keep cambridge safe"


def test_facts_3_to_7_and_74_introduction(facts):
    text = facts["partnership"]["introduction"]["text"]
    _words(text, "meet regularly", "city and county councils", "police", "fire", "probation", "transport police")
    _words(text, "health", "business", "voluntary", "higher-education", "antisocial behaviour", "types of crime")
    _words(text, "prevent", "deal with", "reviewed every year", "year ahead", "Community Safety Plan")
    _words(text, "statutory", "responsible authorities", "equally important", "non-statutory")


def test_facts_8_to_16_the_past_period_and_what_was_delivered(facts):
    [period] = facts["partnership"]["pastPeriods"]
    assert (period["title"], period["status"]) == ("2023 to 2025", "PAST")
    assert period["startsOn"] == {"value": "2023", "precision": "YEAR"}
    assert period["endsOn"] == {"value": "2025", "precision": "YEAR"}
    [priority] = period["priorities"]
    assert priority["title"] == "Reducing violence in the city centre"
    actions = priority["actions"]
    assert [action["horizon"] for action in actions] == ["DELIVERED"] * 5
    _has(actions, "DELIVERED", "larger police presence", "city centre", "right place at the right time")
    _has(actions, "DELIVERED", "additional CCTV", "market square", "open spaces")
    _has(actions, "DELIVERED", "refuge points", "market square", "direct link", "24/7 CCTV control room")
    _has(
        actions,
        "DELIVERED",
        "taxi marshals",
        "street pastors",
        "open space guardians",
        "peak evening and weekend",
    )
    _has(actions, "DELIVERED", "Business Against Abuse", "over 1,000 people", "predatory behaviour", "safely")


def test_facts_17_to_24_the_current_period(facts):
    period = facts["partnership"]["currentPeriod"]
    assert (period["title"], period["status"]) == ("2025 to 2027", "CURRENT")
    assert period["startsOn"] == {"value": "2025", "precision": "YEAR"}
    assert period["endsOn"] == {"value": "2027", "precision": "YEAR"}
    assert period["evidence"]["referenceYear"] == "2024/25"
    assert period["evidence"]["kind"] == "STRATEGIC_ASSESSMENT"
    statements = period["evidenceStatements"]
    assert [(s["value"], s["unit"], s["direction"]) for s in statements if s["value"]] == [("10", "%", "DOWN")]
    _words(" ".join(s["text"] for s in statements), "total recorded crime", "lowest level in four years")
    assert [(p["number"], p["title"]) for p in period["priorities"]] == [
        (1, "Preventing violence and exploitation"),
        (2, "A neighbourhood approach"),
        (3, "Tackling acquisitive crime"),
    ]


def _priority(facts, number):
    [priority] = [p for p in facts["partnership"]["currentPeriod"]["priorities"] if p["number"] == number]
    return priority


def test_facts_25_to_35_priority_1(facts):
    priority = _priority(facts, 1)
    text = priority["rationale"]["text"]
    _words(text, "safe city", "violence-against-the-person", "increasing", "night-time economy", "drug offences")
    _words(text, "young people", "nationally", "criminally exploited", "supplying drugs", "significant harm")
    _words(text, "county-wide public health approach", "serious violence")
    actions = priority["actions"]
    _has(actions, "IN_YEAR", "businesses and venues", "risks to children outside the home", "at night")
    explore = _has(actions, "IN_YEAR", "continuation funding for taxi marshals", "first aid", "key dates")
    assert explore.lower().startswith("explore")
    _has(actions, "IN_YEAR", "localised", "hate crime awareness campaign")
    _has(actions, "STRATEGY_LIFE", "Cambs Against County Lines", "created in 2020", "expand")
    _has(actions, "STRATEGY_LIFE", "crime prevention is key", "civic quarter")
    _has(actions, "STRATEGY_LIFE", "renew", "Purple Flag")
    assert len(actions) == 6


def test_facts_36_to_40_priority_2(facts):
    priority = _priority(facts, 2)
    text = priority["rationale"]["text"]
    _words(text, "city of contrasts", "wealth", "inequality", "intersect", "compound", "alongside residents")
    _words(text, "community groups", "neighbourhood level", "keep neighbourhoods safe")
    actions = priority["actions"]
    _has(actions, "IN_YEAR", "opportunities to align", "neighbourhood engagement")
    _has(actions, "IN_YEAR", "work with communities", "crime prevention funding")
    _has(actions, "IN_YEAR", "localised response", "hotspots", "CCTV deployment")
    _has(actions, "STRATEGY_LIFE", "neighbourhood response", "different wards", "fluctuate")
    assert len(actions) == 4


def test_facts_41_to_49_priority_3(facts):
    priority = _priority(facts, 3)
    text = priority["rationale"]["text"]
    _words(text, "highest rate of acquisitive crime across Cambridgeshire", "since 2018", "continued efforts")
    _words(text, "used to be the main", "shoplifting", "most prevalent", "repeat offenders", "cost of living")
    actions = priority["actions"]
    _has(actions, "IN_YEAR", "crime prevention and support pack", "retail workers")
    maintain = _has(actions, "IN_YEAR", "dedicated policing team", "majority of thefts", "re-offending")
    assert maintain.lower().startswith("maintain")
    _has(actions, "IN_YEAR", "engage retailers", "best evidence")
    _has(actions, "IN_YEAR", "cycle crime", "awareness, infrastructure and enforcement")
    hope = _has(actions, "STRATEGY_LIFE", "cycle crime", "partners", "increase in shoplifting")
    assert "hope" in hope.lower()
    assert " will " not in hope.lower()
    assert len(actions) == 5


def test_fact_50_what_it_works_on_together(facts):
    assert [topic["title"] for topic in facts["businessAsUsual"]["topics"]] == [
        "Cycle theft and cycle security",
        "A safer night-time economy",
        "Cambridge Street Aid",
        "Awareness of domestic abuse and support for survivors",
        "Domestic homicide reviews",
    ]


def test_facts_51_to_54_working_groups_and_areas(facts):
    council = {"name": "Cambridge City Council", "agency": {"name": "Cambridge City Council"}}
    areas = facts["businessAsUsual"]["workAreas"]
    assert [(area["name"], area["leadershipKind"], area["ledBy"]) for area in areas] == [
        ("City Centre Working Group", "CHAIR", {"name": "the police", "agency": None}),
        ("Domestic abuse", "LEAD", council),
        ("Problem-Solving Working Group", "CHAIR", council),
        ("Street community", "LEAD", council),
    ]
    _words(" ".join(areas[0]["activities"]), "businesses", "universities", "night-time economy", "retail crime")
    _words(" ".join(areas[2]["activities"]), "discusses cases", "hot spots", "action plans")
    _words(" ".join(areas[3]["activities"]), "individual cases", "action plans")


def test_facts_55_to_57_how_to_follow_meetings(facts):
    text = facts["meetingIndex"]["introduction"]["text"]
    _words(text, "most meetings are open to the public", "get in touch", "bring an issue")
    _words(text, "full agenda and papers", "week before", "ask questions")


def test_facts_58_to_62_the_meeting(facts):
    meeting = facts["nextMeeting"]
    assert meeting["startsAt"] == "2026-02-24T10:00:00+00:00"
    assert meeting["urlPath"] == "/meetings/24-february-2026/"
    assert meeting["venue"] == {
        "name": "Parkside Place Community Fire Station",
        "room": "Conference Room 2",
        "address": "Cambridge",
        "postcode": "CB1 1JF",
        "stepFree": "UNKNOWN",
        "hearingLoop": "UNKNOWN",
    }


def test_facts_63_to_64_plans(facts):
    plan = facts["partnership"]["currentPlan"]
    assert plan["effectiveFrom"] == {"value": "2023-09", "precision": "MONTH"}
    _words(facts["plans"]["introduction"]["text"], "previous plans", "on request")


def test_facts_65_to_66_insights(facts):
    [insight] = facts["insights"]["nodes"]
    subjects = [
        "Crime",
        "Disorder",
        "Antisocial behaviour",
        "Substance misuse",
        "Behaviour adversely affecting the environment",
    ]
    assert insight["subjects"] == subjects
    _words(facts["insightIndex"]["introduction"]["text"], "strategic assessment", "other reports", *subjects)


def test_fact_67_the_yearly_review(facts):
    _words(facts["reviews"]["introduction"]["text"], "yearly review", "actions for the year ahead")


def test_facts_68_to_71_death_reviews(facts):
    text = facts["deaths"]["introduction"]["text"]
    _words(text, "Domestic Abuse Related Death Reviews", "aged 16 or older", "abuse, violence or neglect")
    _words(text, "relative", "intimate partner", "member of the same household")
    assert facts["deaths"]["showSafeExit"] is True


def test_fact_72_related_work_is_not_known(facts):
    assert facts["partnership"]["relatedWork"] == []


def test_facts_73_to_76_members_in_order_and_no_role_guessed(facts):
    members = facts["partnership"]["memberships"]
    assert [m["agency"]["name"] for m in members[:-1]] == MEMBERS
    assert {m["role"] for m in members[:-1]} == {"UNCONFIRMED"}
    assert members[-1]["agency"] == {
        "name": "Office of the Cambridgeshire Police and Crime Commissioner",
        "sector": "PCC_OFFICE",
    }
    assert members[-1]["role"] == "OBSERVER"


def test_fact_77_last_reviewed(facts):
    assert facts["partnership"]["lastReviewedOn"] == "2026-02-11"


def test_facts_78_to_83_nothing_is_invented(facts):
    assert facts["nextMeeting"]["endsAt"] is None
    assert facts["nextMeeting"]["joiningUrl"] is None
    assert facts["partnership"]["contact"]["email"] is None
    assert facts["partnership"]["contact"]["phone"] is None
    assert facts["partnership"]["currentPlan"]["effectiveTo"] is None
    periods = [facts["partnership"]["currentPeriod"], *facts["partnership"]["pastPeriods"]]
    actions = [a for period in periods for p in period["priorities"] for a in p["actions"]]
    assert {(a["leadAgency"], a["dueOn"], a["status"]) for a in actions} == {(None, None, "NOT_REPORTED")}
    assert facts["news"]["totalCount"] == 0
    assert facts["deathReviews"]["totalCount"] == 0


def test_the_next_meeting_moves_on_at_its_start(demo, ask):
    query = "{ nextMeeting { title } }"
    with time_machine.travel(london(2026, 2, 24, 9, 59, 59), tick=False):
        assert ask(query)["nextMeeting"] is not None
    with time_machine.travel(london(2026, 2, 24, 10, 0, 0), tick=False):
        assert ask(query)["nextMeeting"] is None


CONTRACT = sorted(Path(settings.BASE_DIR).glob("cms/graphql/contract/*.graphql"))
VARIABLES = {
    "meeting": {"urlPath": "/meetings/24-february-2026/"},
    "page": {"urlPath": "/2025-to-2027/a-neighbourhood-approach/"},
    "search": {"query": "shoplifting"},
    "site": {"path": "/old/"},
}


@pytest.mark.parametrize("path", CONTRACT, ids=lambda path: path.stem)
def test_every_query_of_the_contract_answers_over_the_demo_content(demo, ask, path):
    with time_machine.travel(WEBSITE_DAY, tick=False):
        data = ask(path.read_text(), **VARIABLES.get(path.stem, {}))
    assert data
    if path.stem == "page":
        assert data["page"]["__typename"] == "PriorityPage"
        assert [ancestor["title"] for ancestor in data["page"]["ancestors"]] == [
            "Cambridge Community Safety Partnership",
            "2025 to 2027",
        ]
    if path.stem == "meeting":
        assert data["page"]["changeLog"] == []
    if path.stem == "search":
        found = data["search"]
        assert [node["title"] for node in found["nodes"]] == ["Tackling acquisitive crime"]
        assert (found["totalCount"], found["pageInfo"]["hasNextPage"]) == (1, False)
    if path.stem == "priorities":
        assert [priority["news"]["totalCount"] for priority in data["priorities"]] == [0, 0, 0]


def test_the_contract_has_ten_queries():
    assert len(CONTRACT) == 10
