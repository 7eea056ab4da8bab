"""How words are compared, and which part of a text is shown of a result."""

import pytest

from pages.content import search_words
from pages.content.search_words import STOP_WORDS, Wanted, composed, fold, highlight, stems


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Shoplifting shoplifters shoplift", ["shoplift"] * 3),
        ("The thefts of bicycles", ["theft", "bicycl"]),
        ("Café CAFE cafe\u0301", ["cafe"] * 3),
        ("Łódź, Straße; İstanbul, Ærø", ["lodz", "straße", "istanbul", "æro"]),
        ("women's women’s", ["women", "women"]),
        ("24/7 DR-7KQ2 a_b", ["24", "7", "dr", "7kq2", "b"]),
        ("police@example.org", ["polic", "exampl", "org"]),
        ("Безопасность 安全", ["безопасность", "安全"]),
        ("the and of", []),
        ('"*()^:{}+-~\\/%$#@!;=<>[]|', []),
        ("", []),
    ],
)
def test_the_words_of_a_text(text, found):
    assert list(stems(text)) == found


@pytest.mark.parametrize("text", ["plain", "Straße ﬁn ŒUVRE İI ⅷ ½ ①", "e\u0301 \u0301", "🙂 安全 ß", "\u00ad\u200b"])
def test_folding_keeps_every_letter_in_its_place(text):
    assert len(fold(composed(text))) == len(composed(text))


def test_a_very_long_word_is_cut():
    assert list(stems("x" * 500)) == ["x" * 40]


@pytest.mark.parametrize(
    ("query", "words", "phrases"),
    [
        ("cycle thefts", ("cycl", "theft"), ()),
        ("theft THEFTS theft", ("theft",), ()),
        ('"cycle thefts" city', ("citi",), (("cycl", "theft"),)),
        ("“cycle thefts”", (), (("cycl", "theft"),)),
        ('"city"', ("citi",), ()),
        ('"the state of the art"', (), (("state", "art"),)),
        ('cycle "thefts', ("cycl", "theft"), ()),
        ("cycle AND NOT theft OR NEAR(x)", ("cycl", "not", "theft", "near", "x"), ()),
        ('"" the " "', (), ()),
    ],
)
def test_what_a_query_asks_for(query, words, phrases):
    assert Wanted.read(query) == Wanted(words, phrases)
    assert bool(Wanted.read(query)) == bool(words or phrases)


@pytest.mark.parametrize(
    ("texts", "query", "shown"),
    [
        (["Thefts in the city"], "theft", "<mark>Thefts</mark> in the city"),
        (["Less theft", "Cycle theft"], "theft cycles", "<mark>Cycle</mark> <mark>theft</mark>"),
        (["Less theft", "More theft"], "theft", "Less <mark>theft</mark>"),
        (["a < b & <script>theft</script>"], "theft", "a &lt; b &amp; &lt;script&gt;<mark>theft</mark>&lt;/script&gt;"),
        (["A cafe\u0301 \"here\" 'there'"], "cafe", "A <mark>café</mark> &quot;here&quot; &#x27;there&#x27;"),
        (["One\ntwo\n\nthree"], "three", "One two <mark>three</mark>"),
        (["Cities and the city"], "city", "<mark>Cities</mark> and the <mark>city</mark>"),
        (["a_theft of_it"], "theft it", "a_<mark>theft</mark> of_it"),
        (["People die; she was dying"], "die", "People <mark>die</mark>; she was <mark>dying</mark>"),
        (["Nothing here"], "theft", ""),
        (["", "theft"], "theft", "<mark>theft</mark>"),
        ([], "theft", ""),
    ],
)
def test_the_part_that_is_shown(texts, query, shown):
    assert highlight(texts, Wanted.read(query)) == shown


def test_a_long_text_is_cut_at_words_around_the_densest_place():
    text = "theft " + "word " * 100 + "cycle theft " + "word " * 100
    before = "word " * 11
    shown = highlight([text], Wanted.read("cycle theft"))
    assert shown == f"… {before}<mark>cycle</mark> <mark>theft</mark> {'word ' * 42}…"
    assert len(shown) - len("<mark></mark>") * 2 <= 300
    assert highlight(["theft " + "word " * 100], Wanted.read("theft")) == f"<mark>theft</mark> {'word ' * 54}…"
    assert highlight(["word " * 100 + "theft"], Wanted.read("theft")) == f"… {'word ' * 54}<mark>theft</mark>"
    assert highlight(["x" * 1_000 + " theft"], Wanted.read("theft")) == "… <mark>theft</mark>"
    assert highlight(["theft" + "x" * 1_000], Wanted.read("theft")) == ""


def test_what_a_hostile_text_costs_is_bounded():
    shown = highlight(["theft " * 100_000], Wanted.read("theft " + " ".join(f"w{number}" for number in range(40))))
    assert shown.startswith("<mark>theft</mark> <mark>theft</mark>")
    assert len(shown) < 300 * len("<mark>theft</mark> ") / 5


def test_so_many_places_of_a_text_are_looked_at(monkeypatch):
    text = "theft " * 3 + "word " * 100 + "cycle theft"
    assert highlight([text], Wanted.read("cycle theft")).endswith("<mark>cycle</mark> <mark>theft</mark>")
    monkeypatch.setattr(search_words, "MAX_MATCHES", 3)
    assert highlight([text], Wanted.read("cycle theft")).startswith("<mark>theft</mark> <mark>theft</mark>")


def test_stop_words_are_folded_words():
    assert {word for word in STOP_WORDS if fold(word) != word} == set()


def test_a_text_is_read_as_far_as_is_said(monkeypatch):
    text = "theft " + "word " * 10 + "cycle theft"
    assert highlight([text], Wanted.read("cycle theft"), len(text)).endswith("<mark>cycle</mark> <mark>theft</mark>")
    assert highlight([text], Wanted.read("cycle theft"), len(text) - 1).count("<mark>") == 2  # no word is cut in two
    assert highlight(["word " * 10 + "cycle"], Wanted.read("cycle"), 50) == ""
