"""The context that resolvers get as `info.context`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from django.utils import timezone
from graphql import GraphQLResolveInfo

from pages.reading.loader import Loader


@dataclass
class GraphQLContext:
    """The time at which the whole answer holds, and the loader of what readers may see at that time.

    `warnings` are about arguments that name nothing, in the form in which clients get them.
    """

    as_of: datetime
    loader: Loader
    warnings: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def now(cls) -> Self:
        """A context for the current time."""
        as_of = timezone.now()
        return cls(as_of, Loader(as_of))


def context_of(info: GraphQLResolveInfo) -> GraphQLContext:
    """The context of the request that a resolver answers."""
    context: GraphQLContext = info.context
    return context


def warn(info: GraphQLResolveInfo, argument: str, message: str) -> None:
    """Tell the client that the value of an argument names nothing, beside the empty answer."""
    context_of(info).warnings.append(
        {
            "message": f'Argument "{argument}": {message}',
            "path": info.path.as_list(),
            "extensions": {"code": "NOTHING_NAMED"},
        }
    )
