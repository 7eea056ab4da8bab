"""Articles and labels, declared to grapple as its documentation shows."""

from django.db import models
from grapple.helpers import register_query_field, register_streamfield_block
from grapple.models import (
    GraphQLCollection,
    GraphQLDocument,
    GraphQLForeignKey,
    GraphQLImage,
    GraphQLPage,
    GraphQLRichText,
    GraphQLSnippet,
    GraphQLStreamfield,
    GraphQLString,
    GraphQLTag,
)
from modelcluster.contrib.taggit import ClusterTaggableManager
from modelcluster.fields import ParentalKey
from taggit.models import TaggedItemBase
from wagtail import blocks
from wagtail.documents.blocks import DocumentChooserBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.images.blocks import ImageChooserBlock
from wagtail.models import DraftStateMixin, Orderable, Page, RevisionMixin
from wagtail.search import index
from wagtail.snippets.blocks import SnippetChooserBlock
from wagtail.snippets.models import register_snippet


def link_to(model, **kwargs):
    return models.ForeignKey(model, null=True, blank=True, on_delete=models.SET_NULL, **kwargs)


@register_query_field("label")
@register_snippet
class Label(DraftStateMixin, RevisionMixin, index.Indexed, models.Model):
    text = models.CharField(max_length=100)

    search_fields = [index.SearchField("text")]
    graphql_fields = [GraphQLString("text")]

    def __str__(self):
        return self.text


@register_streamfield_block
class CardBlock(blocks.StructBlock):
    page = blocks.PageChooserBlock("stock.ArticlePage")

    graphql_fields = [GraphQLPage("page")]


class ArticleTag(TaggedItemBase):
    content_object = ParentalKey("stock.ArticlePage", on_delete=models.CASCADE, related_name="tagged_items")


class ArticlePage(Page):
    intro = RichTextField(blank=True)
    body = StreamField(
        [
            ("text", blocks.RichTextBlock()),
            ("page", blocks.PageChooserBlock()),
            ("card", CardBlock()),
            ("pages", blocks.ListBlock(blocks.PageChooserBlock())),
            ("document", DocumentChooserBlock()),
            ("image", ImageChooserBlock()),
            ("label", SnippetChooserBlock(Label)),
        ],
        blank=True,
    )
    related = link_to("stock.ArticlePage", related_name="+")
    about = link_to("wagtailcore.Page", related_name="referred_by")
    document = link_to("wagtaildocs.Document")
    image = link_to("wagtailimages.Image")
    label = link_to(Label)
    tags = ClusterTaggableManager(through=ArticleTag, blank=True)

    search_fields = [*Page.search_fields, index.SearchField("intro")]
    graphql_fields = [
        GraphQLRichText("intro"),
        GraphQLStreamfield("body"),
        GraphQLPage("related"),
        GraphQLDocument("document"),
        GraphQLImage("image"),
        GraphQLSnippet("label", "stock.Label"),
        GraphQLCollection(GraphQLForeignKey, "links", "stock.ArticleLink"),
        GraphQLTag("tags"),
    ]


class ArticleLink(Orderable):
    article = ParentalKey(ArticlePage, on_delete=models.CASCADE, related_name="links")
    page = link_to(ArticlePage, related_name="+")
    document = link_to("wagtaildocs.Document")
    image = link_to("wagtailimages.Image")
    label = link_to(Label)

    graphql_fields = [
        GraphQLPage("page"),
        GraphQLDocument("document"),
        GraphQLImage("image"),
        GraphQLSnippet("label", "stock.Label"),
    ]
