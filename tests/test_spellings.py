"""How a text is found that must go for good: in which spellings, in which not, and what is left around it."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.redaction.spellings import Spellings

JANE, ZOE = Spellings("Jane Doe"), Spellings("Zoë O'Marker & Sons")


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("Jane Doe", "[redacted]"),
        ("JANE  \n doe.", "[redacted]."),
        ("Jane&#160;Doe, Jane&#xa0;Doe, Jane&nbsp;Doe", "[redacted], [redacted], [redacted]"),
        ("Ja&shy;ne Doe\u200b!", "[redacted]!"),
        ("Jane\u2013Doe", "redacted"),
        ("Jane%20Doe", "[redacted]"),
        ("/find?q=Jane+Doe&page=2", "/find?q=redacted&page=2"),
        ("/find?q=%4A%61ne%20Doe", "/find?q=redacted"),
        ("jane.doe@example.org", "redacted@example.org"),
        ("Jane Doe <jane.doe@example.org>", "[redacted] <redacted@example.org>"),
        ("JaneDoe.pdf", "redacted.pdf"),
        ("janedoe", "redacted"),
        ("@janedoe84", "@redacted84"),
        ("MrsJaneDoeStatement.docx", "MrsredactedStatement.docx"),
        ("jane_doe--2", "redacted--2"),
        ("a < b, said Jane Doe, c > d", "a < b, said [redacted], c > d"),
        ("<Jane Doe>", "<[redacted]>"),
    ],
)
def test_a_name_is_found(value, left):
    assert JANE.without(value) == left


@pytest.mark.parametrize(
    "value",
    [
        "Zoë O'Marker & Sons",
        "zoë  o'marker &  sons",
        "Zoë O’Marker & Sons",
        "Zoe\u0308 O'Marker & Sons",
        "Zoe O'Marker & Sons",
        "Zo&euml; O&#x27;Marker &amp; Sons",
        "Zo&#235; O&rsquo;Marker &#38; Sons",
        "Zo&#xEB;&nbsp;O&#39;Marker&#160;&amp;&#160;Sons",
        "Zo%C3%AB%20O%27Marker%20%26%20Sons",
        "Zo%EB O'Marker & Sons",
    ],
)
def test_accents_quotes_and_signs_are_found_however_they_are_written(value):
    assert ZOE.without(value) == "[redacted]"


@pytest.mark.parametrize("value", ["zoe-omarker-sons", "Zoë_OMarker__Sons", "Zo%C3%AB_OMarker__Sons", "zoeomarkersons"])
def test_names_of_files_and_slugs_leave_signs_out(value):
    assert ZOE.without(f"{value}.csv") == "redacted.csv"


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ('<a href="/x">Jane</a> <b>Doe</b>', '<a href="/x">[redacted]</a><b></b>'),
        ('<a href="/x">Mrs Jane</a> <b>Doe, 40</b>', '<a href="/x">Mrs [redacted]</a><b>, 40</b>'),
        ("<p>Jane</p><p>Doe</p>", "<p>[redacted]</p><p></p>"),
        ("J<b>ane</b> <i>D</i>oe", "[redacted]<b></b><i></i>"),
        ("Jane<br/>Doe", "[redacted]<br/>"),
        (
            '<a href="mailto:jane.doe@x.org" id="3">Jane Doe</a>',
            '<a href="mailto:redacted@x.org" id="3">[redacted]</a>',
        ),
        ('<embed alt=\'Jane Doe\' embedtype="image" id="4"/>', '<embed alt=\'[redacted]\' embedtype="image" id="4"/>'),
    ],
)
def test_tags_stay_as_they_were(value, left):
    assert JANE.without(value) == left


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.open = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, attrs))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.found.append(tag)


MARKUP = st.recursive(
    st.sampled_from(["Jane", "Doe", " ", "&nbsp;", "Jane Doe", "JaneDoe", ",", "&amp;", "…", "%20", "."]),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag[0]}>{''.join(parts)}</{tag[1]}>",
        st.sampled_from([("b", "b"), ('a href="/x"', "a"), ("p", "p"), ("li", "li"), ("i", "i")]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@given(MARKUP)
def test_html_stays_well_formed_and_no_name_is_left(html):
    left = JANE.without(html)
    assert Tags(left).found == Tags(html).found
    assert Tags(left).open == []
    assert JANE.without(left) == left
    assert "Jane Doe" not in left


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Jane Doe", "Janet Doe, Jane Does, Mary-Janes Doer, janedoes, xjane doe"),
        ("Jane Doe", "I met Jane. Doe was there."),
        ("Jane Doe", "Doe, Jane"),
        ("Lee", "Asleep, Lees, lees2, LeeAnn, Lee2, <b>Lee</b>ds, sl%65%65p"),
        ("Lee", "<p>As</p>leep"),
        ("Su Lee", "sulee"),  # run together only from 6 letters on
        ("D'Arc", "d arc"),
    ],
)
def test_other_words_stay(text, value):
    assert Spellings(text).without(value) == value


@pytest.mark.parametrize(
    ("text", "value", "left"),
    [
        ("Lee", "<p>Lee</p><p>Asleep</p>", "<p>[redacted]</p><p>Asleep</p>"),
        ("D'Arc", "darc D’Arc", "redacted [redacted]"),
        ("Smith-Jones", "Smith Jones, smithjones", "[redacted], redacted"),
        ("(Jane Doe)", "Jane Doe", "[redacted]"),
        ("jane.doe@example.org", "mailto:jane.doe%40example.org", "mailto:redacted"),
        ("01223 457000", "tel:01223457000", "tel:redacted"),
        ("href", '<a href="href">href</a>', '<a href="[redacted]">[redacted]</a>'),
        ("Bjørn Łuk", "bjorn-luk", "redacted"),
    ],
)
def test_other_texts(text, value, left):
    assert Spellings(text).without(value) == left


def test_an_address_stays_one():
    assert Spellings("Lee").without("lee-asleep", address=True) == "redacted-asleep"
    assert Spellings("Lee").without("https://example.org/lee") == "https://example.org/redacted"


@pytest.mark.parametrize("text", ["", "  ", "ab", "a b", "é!", "+++++"])
def test_a_text_that_is_too_short_to_be_meant_is_refused(text):
    with pytest.raises(ValueError, match="at least 3 letters or digits"):
        Spellings(text)
