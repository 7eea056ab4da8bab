"""Search: which words of a page are found, and what a query may be."""

import pytest

from cms.graphql.schema.search import PAGE_TYPES
from pages import models
from tests import factories
from tests.searched import standard, text


def table(**value):
    return {"first_row_is_table_header": False, "first_col_is_header": False, "data": [[]], **value}


# Type of page → field → its value, with a word of its own: "zz" and a number take the place of "?".
SAID = {
    models.StandardPage: {
        "title": "About ?",
        "summary": "About ?.",
        "body": [
            ("heading", {"text": "? one", "level": "3"}),
            ("paragraph", "<p>Bicycle <b>?</b></p><ul><li>and ?</li></ul>"),
            ("callout", {"tone": "warning", "rich_text": "<p>?</p>"}),
            ("table", table(table_caption="?", data=[["Ward", "?"], ["?", None]])),
        ],
    },
    models.PartnershipPage: {
        "strapline": "?",
        "introduction": "<p>?</p>",
        "purpose": "<p>?</p>",
        "sectors": "Health\n?",
        "yearly_cycle": "<p>?</p>",
        "related_work": [models.RelatedLink(title="?", url="https://example.org/", description="?")],
    },
    models.PriorityPeriodPage: {"evidence_statements": [models.EvidenceStatement(text="?", value="?", unit="?")]},
    models.PriorityPage: {"rationale": "<p>?</p>", "actions": [models.Action(text="?", horizon="in-year")]},
    models.BusinessAsUsualPage: {
        "introduction": "<p>?</p>",
        "work_topics": [models.WorkTopic(title="?", description="?")],
        "work_areas": [
            models.WorkArea(name="?", leadership_kind="lead", led_by_as_published="The police", activities="One\n?")
        ],
    },
    models.NewsIndexPage: {"introduction": "<p>?</p>"},
    models.NewsPage: {"body": [("paragraph", "<p>?</p>")]},
    models.MeetingIndexPage: {"introduction": "<p>?</p>"},
    models.MeetingPage: {
        "status_notice": "<p>?</p>",
        "how_to_ask_a_question": "<p>?</p>",
        "open_to_public": "part",
        "closed_reason": "?",
        "agenda_items": [models.AgendaItem(number="1", title="?")],
    },
    models.PublicationIndexPage: {"introduction": "<p>?</p>"},
    models.CommunitySafetyPlanPage: {"body": [("paragraph", "<p>?</p>")]},
    models.InsightPage: {"subjects": "?\n?", "headline_findings": "?", "body": [("paragraph", "<p>?</p>")]},
    models.AnnualReviewPage: {
        "body": [("paragraph", "<p>?</p>")],
        "actions_ahead": "?",
        "outcomes": [models.Outcome(text="?")],
    },
    models.DeathReviewIndexPage: {"introduction": "<p>?</p>"},
    models.DeathReviewNoticePage: {
        "listed_by_search_engines": True,
        "summary": "?",
        "pseudonym": "?",
        "executive_summary": "<p>?</p>",
        "learning_themes": "?",
        "publication_decision": "summary-only",
        "publication_reason": "?",
        "recommendations": [models.Recommendation(number="1", text="?", level="local", outcome="?")],
        "review_documents": [models.ReviewDocument(kind="overview-report", state="withheld", reason="?")],
    },
}
PARENTS = {
    models.PriorityPage: models.PriorityPeriodPage,
    models.NewsPage: models.NewsIndexPage,
    models.MeetingPage: models.MeetingIndexPage,
    models.DeathReviewNoticePage: models.DeathReviewIndexPage,
    models.CommunitySafetyPlanPage: models.PublicationIndexPage,
    models.InsightPage: models.PublicationIndexPage,
    models.AnnualReviewPage: models.PublicationIndexPage,
}


class Filled:
    """The same content with another word in place of each "?"."""

    def __init__(self):
        self.words = []

    def __call__(self, value):
        if isinstance(value, str):
            while "?" in value:
                self.words.append(f"zz{len(self.words)}")
                value = value.replace("?", self.words[-1], 1)
            return value
        if isinstance(value, list | tuple):
            return type(value)(self(item) for item in value)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if hasattr(value, "_meta"):
            return type(value)(
                **{f.name: self(getattr(value, f.name)) for f in value._meta.fields if not f.is_relation}
            )
        return value


@pytest.mark.parametrize("model", SAID, ids=lambda model: model.__name__)
def test_every_text_that_a_page_says_is_found(home, titles, model):
    filled = Filled()
    fields = filled(SAID[model])
    if model is models.PartnershipPage:
        for name, value in fields.items():
            setattr(home, name, value)
        page = factories.publish(home)
    else:
        parent = factories.page(PARENTS[model], home) if model in PARENTS else home
        page = factories.page(model, parent, **fields)
    assert filled.words
    assert {word: titles(word) for word in filled.words} == {word: [page.title] for word in filled.words}


def test_every_type_of_page_is_in_that_table():
    assert set(SAID) == set(PAGE_TYPES.values())


def test_all_words_have_to_be_there_wherever(home, titles):
    standard(home, "Bicycles", summary="In the city", body=text("They are <b>stolen</b>."))
    standard(home, "Shops", summary="In the city")
    assert titles("city bicycle theft") == []
    assert titles("CITIES, stealing? bicycle stolen") == []
    assert titles("stolen bicycle in the cities") == ["Bicycles"]
    assert sorted(titles("city")) == ["Bicycles", "Shops"]


def test_a_phrase_has_to_be_there_as_it_is(home, titles):
    standard(home, "Safe city", summary="Centre of the city", body=text("Taxi marshals") + text("help people"))
    assert titles('"safe cities"') == ["Safe city"]
    assert titles('"city safe"') == []
    assert titles('"centre of the city" "taxi marshal"') == ["Safe city"]
    assert titles('help "taxi marshal"') == ["Safe city"]
    assert titles('"city centre"') == []  # the title ends, and the summary begins
    assert titles("city centre") == ["Safe city"]


def test_case_accents_and_endings_do_not_matter(home, titles):
    standard(home, "Zoë's CAFÉS", summary="Łódź")
    for query in ("zoe", "ZOË", "café", "Cafes", "lodz", "zoë’s"):
        assert titles(query) == ["Zoë's CAFÉS"], query


@pytest.mark.parametrize("query", ["", " ", "the", "of and the", '""', '"the"', "!?", "*", "\u200b"])
def test_a_query_without_words_finds_nothing(home, search, query):
    standard(home, "The end")
    answer = search(query)
    assert (answer["totalCount"], answer["nodes"], answer["edges"]) == (0, [], [])


HOSTILE = [
    '"', '"""', "'", "''; DROP TABLE x; --", "\\", "\\'", "%", "_", "%s", "%(a)s", "{title}: zz", "title:zz", "zz*", "^zz",
    "NEAR(zz zz)", "zz NOT zz", "zz OR", "AND", "(", ")", "zz)", "((((", "-zz", "+zz", "zz:A", "zz & !zz", "zz <-> zz",
    "!zz", "zz | zz", "\u0001", "\ufffe", "🙂", "\u202ezz", "\u0301", "ﬃ", "<mark>", "&lt;zz",
    " ".join(f"w{number}" for number in range(50)), '"' + "a " * 90 + '"', "x" * 200, "a" * 100 + " " + "b" * 99,
    '"a b" ' * 33, " ".join(map(chr, range(0x4E00, 0x4E64))), "".join(map(chr, range(0x4E00, 0x4EC8))),
    " ".join(f'"{chr(each)} {chr(each + 1)}"' for each in range(0x4E00, 0x4E21)), "\U0001d160" * 200, "ﷺ" * 200,
    "\ud7ff\ue000\uffff", "a" * 40 + "b",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_typed_is_plain_text(home, search, query):
    standard(home, "Nothing to see")
    assert search(query)["nodes"] == []


@pytest.mark.parametrize("query", ["zz*", "(zz", "zz:A", "title:zz OR zz", "-zz", "!zz", 'zz"', "{title}: zz"])
def test_signs_in_a_query_separate_words_and_no_more(home, titles, query):
    standard(home, "A title or ZZ")
    assert titles(query.replace("OR ", "")) == ["A title or ZZ"]


def test_a_query_has_a_longest_length(home, search, refused):
    query = "{ search(query: %s) { totalCount } }"
    assert search("x" * 200)["totalCount"] == 0
    for name, arguments in {
        "query": f'query: "{"x" * 201}"',
        "topic": f'query: "x", topic: "{"x" * 201}"',
    }.items():
        error = refused(f"{{ search({arguments}) {{ totalCount }} }}")[0]
        assert error["message"] == f'Argument "{name}": give a text of at most 200 characters, without NUL.'
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    for letter in ("\\u0000", "\\ud800"):
        error = refused(query % f'"zz{letter}"')[0]
        assert "Something went wrong" not in error["message"]
