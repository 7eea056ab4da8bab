"""System checks of the feeds that page types declare."""

from collections import Counter
from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from pages.models.base import page_types


@register()
def check_feeds(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """Check that each feed that a page type names is declared exactly once."""
    keys = Counter(feed.key for model in page_types() for feed in model.declared_feeds)
    problems: list[CheckMessage] = [
        Error(
            f"Two page types declare the feed “{key}”.",
            hint=f"Give one of them another key: {', '.join(_declaring(key))}.",
            id="feeds.E001",
        )
        for key, count in keys.items()
        if count > 1
    ]
    for model in page_types():
        for attribute in ("feed_key", "offers_feed"):
            key = getattr(model, attribute, None)
            if key and key not in keys:
                problems.append(
                    Error(
                        f"{model.__name__}.{attribute} names the feed “{key}”, which no page type declares.",
                        hint=f"Choose one of {', '.join(sorted(keys))}, or declare it in `declared_feeds`.",
                        obj=model,
                        id="feeds.E002",
                    )
                )
    return problems


def _declaring(key: str) -> list[str]:
    return [model.__name__ for model in page_types() if key in {feed.key for feed in model.declared_feeds}]
