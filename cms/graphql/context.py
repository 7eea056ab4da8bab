"""The context that resolvers get as `info.context`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.utils import timezone
from graphql import GraphQLResolveInfo

from pages.reading.loader import Loader


@dataclass
class GraphQLContext:
    """The time at which the whole answer holds, and the loader of what readers may see at that time."""

    as_of: datetime
    loader: Loader

    @classmethod
    def now(cls) -> Self:
        """A context for the current time."""
        as_of = timezone.now()
        return cls(as_of, Loader(as_of))


def context_of(info: GraphQLResolveInfo) -> GraphQLContext:
    """The context of the request that a resolver answers."""
    context: GraphQLContext = info.context
    return context
