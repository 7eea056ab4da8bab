"""Ids of blocks: clients keep blocks by them, so they must stay, and belong to one page."""

from pages import models
from tests import factories


def test_a_block_keeps_its_id_through_changes_and_no_other_page_has_it(home, ask):
    index = factories.page(models.NewsIndexPage, home, slug="news")
    body = [("paragraph", "<p>One</p>"), ("heading", {"text": "Two", "level": "2"})]
    news = factories.page(models.NewsPage, index, slug="a", body=body)
    query = '{ page(urlPath: "/news/%s/") { ... on NewsPage { body { id blockType } } } }'

    def ids(slug):
        return {block["blockType"]: block["id"] for block in ask(query % slug)["page"]["body"]}

    first = ids("a")
    assert len(set(first.values())) == 2
    stored = {block.id for block in news.body}
    assert stored & set(first.values()) == set()  # they are on other pages, too
    changed = news.body.stream_block.to_python(
        [
            {"type": "heading", "value": {"text": "Changed", "level": "3"}, "id": news.body[1].id},
            {"type": "paragraph", "value": "<p>Changed</p>", "id": news.body[0].id},
        ]
    )
    news.body = changed
    factories.publish(news)
    assert ids("a") == first
    for slug, how in (("b", {"copy_revisions": True}), ("c", {"copy_revisions": False})):
        copy = news.copy(update_attrs={"slug": slug}, keep_live=False, **how)
        factories.publish(copy.get_latest_revision_as_object() if how["copy_revisions"] else copy)
        assert {block.id for block in copy.body} == stored
    of_all = [key for slug in "abc" for key in ids(slug).values()]
    assert len(set(of_all)) == len(of_all) == 6
