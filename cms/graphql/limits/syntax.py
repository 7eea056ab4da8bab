"""Limits on the text and the syntax tree of a query, checked before anything expensive is done with it.

The limits are the settings GRAPHQL_MAX_… and the constants here. cms/graphql/limits/cost.py then estimates the cost of
a valid query.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from django.conf import settings
from graphql import (
    ArgumentNode,
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    IntValueNode,
    NamedTypeNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationRule,
    VariableDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError

from cms.graphql.errors import Code, RequestRefusedError
from cms.graphql.schema.query import schema

MAX_ERRORS = 10
MAX_DIGITS = 40
MAX_DIRECTIVES = 50
# Validation compares fields of the same name in pairs, so its time grows with the square of their number. Measured:
# 10,000 comparisons take about 10 ms. The largest query of the contract needs 40.
MAX_COMPARISONS = 10_000
# Longer queries are not cached. A syntax tree of this length takes up to 0.8 MB, so the cache takes up to 80 MB.
MAX_CACHED_LENGTH, MAX_CACHED = 4_000, 100


def validated(query: str) -> DocumentNode:
    """The syntax tree of a query that is valid and within the limits. Raises `RequestRefusedError`."""
    return _validate_cached(query) if len(query) <= MAX_CACHED_LENGTH else _validate(query)


def _validate(query: str) -> DocumentNode:
    tree = _parse(query)
    _check_limits(tree)
    errors = validate(schema.graphql_schema, tree, _RULES, max_errors=MAX_ERRORS)
    if any(isinstance(error, ValidationAbortedError) for error in errors) and len(errors) <= 1:
        raise RequestRefusedError.because(
            "The query asks for the same fields too many times. Ask for each field once, under one name.",
            Code.TOO_MANY_REPEATED_FIELDS,
        )
    if errors:
        raise RequestRefusedError(*errors, code=Code.VALIDATION_FAILED)
    return tree


_validate_cached = lru_cache(maxsize=MAX_CACHED)(_validate)  # refusals are exceptions, which are not cached


def _parse(query: str) -> DocumentNode:
    try:
        return parse(query, max_tokens=settings.GRAPHQL_MAX_TOKENS)
    except GraphQLSyntaxError as error:
        if "tokens. Parsing aborted" in error.message:
            raise _too_many("tokens", settings.GRAPHQL_MAX_TOKENS, Code.TOO_MANY_TOKENS) from None
        if "nested too deeply" in error.message:
            raise _too_deep() from None
        raise RequestRefusedError(error, code=Code.PARSE_FAILED) from None


def _too_many(what: str, limit: int, code: Code) -> RequestRefusedError:
    return RequestRefusedError.because(
        f"The query has more than {limit} {what}. Split it into several.", code, limit=limit
    )


def _too_deep() -> RequestRefusedError:
    limit = settings.GRAPHQL_MAX_DEPTH
    return RequestRefusedError.because(
        f"The query is nested more than {limit} fields deep.", Code.TOO_DEEP, limit=limit
    )


class _BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
    """Stops after `MAX_COMPARISONS` comparisons."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS


class _NumberLengthRule(ValidationRule):
    """Refuses long numbers. Python raises an error for thousands of digits, which would appear as an internal one."""

    def enter_int_value(
        self,
        node: IntValueNode | FloatValueNode,
        key: int | str | None,
        parent: Node | None,
        path: list[int | str],
        ancestors: list[Node],
    ) -> None:
        if len(node.value) <= MAX_DIGITS:
            return
        where = ""
        for ancestor in [*ancestors, parent]:
            if isinstance(ancestor, ArgumentNode):
                where = f'Argument "{ancestor.name.value}": '
            elif isinstance(ancestor, VariableDefinitionNode):
                where = f'Variable "${ancestor.variable.name.value}": '
        message = f"{where}a number has more than {MAX_DIGITS} digits."
        raise RequestRefusedError(GraphQLError(message, nodes=node), code=Code.VALIDATION_FAILED)

    enter_float_value = enter_int_value


# The rule about numbers comes first, so that it sees a number before the other rules convert it.
_RULES: list[type[ASTValidationRule]] = [
    _NumberLengthRule,
    *(_BoundedOverlapRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
]


# --- Limits of the syntax tree -------------------------------------------------------------------------------


def _check_limits(tree: DocumentNode) -> None:
    """Raises `RequestRefusedError`. The time is linear in the size of the query: each fragment is read once."""
    operations = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = [each for each in tree.definitions if isinstance(each, FragmentDefinitionNode)]
    counts: Counter[str] = Counter()
    for operation in operations:
        _count_definition(operation, counts, introspection=False)
    for fragment in fragments:
        _count_definition(fragment, counts, introspection=_is_introspection(fragment.type_condition))
    for what, limit, code in (
        ("aliases", settings.GRAPHQL_MAX_ALIASES, Code.TOO_MANY_ALIASES),
        ("directives", MAX_DIRECTIVES, Code.TOO_MANY_DIRECTIVES),
    ):
        if counts[what] > limit:
            raise _too_many(what, limit, code)
    by_name = {fragment.name.value: fragment.selection_set for fragment in fragments}
    depths = _Depths(by_name)
    for operation in operations:
        if depths.of(operation.selection_set) > settings.GRAPHQL_MAX_DEPTH:
            raise _too_deep()
        if len(set(_root_fields(operation.selection_set, by_name, set()))) > settings.GRAPHQL_MAX_ROOT_FIELDS:
            raise _too_many("root fields", settings.GRAPHQL_MAX_ROOT_FIELDS, Code.TOO_MANY_ROOT_FIELDS)


def _count_definition(
    definition: OperationDefinitionNode | FragmentDefinitionNode, counts: Counter[str], introspection: bool
) -> None:
    counts["directives"] += len(definition.directives)
    _count(definition.selection_set, counts, introspection)


def _count(selection_set: SelectionSetNode, counts: Counter[str], introspection: bool) -> None:
    """Add the directives and aliases in a selection set to `counts`.

    An alias of a plain field is free, except in introspection, where it may be repeated for thousands of objects.
    """
    for selection in selection_set.selections:
        counts["directives"] += len(selection.directives)
        inner = _selection_set_of(selection)
        if isinstance(selection, FieldNode) and selection.alias and (inner or selection.arguments or introspection):
            counts["aliases"] += 1
        if inner:
            _count(inner, counts, introspection or (isinstance(selection, FieldNode) and _is_introspection(selection)))


def _is_introspection(node: FieldNode | NamedTypeNode) -> bool:
    return node.name.value.startswith("__")


def _selection_set_of(selection: SelectionNode) -> SelectionSetNode | None:
    return getattr(selection, "selection_set", None)


def _root_fields(
    selection_set: SelectionSetNode, fragments: dict[str, SelectionSetNode], seen: set[str]
) -> Iterator[str]:
    """The response keys (alias or name) of the root fields, those in fragments included."""
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield (selection.alias or selection.name).value
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name in fragments and name not in seen:
                seen.add(name)
                yield from _root_fields(fragments[name], fragments, seen)
        elif inner := _selection_set_of(selection):
            yield from _root_fields(inner, fragments, seen)


class _Depths:
    """How many fields deep selection sets are nested. Each fragment is read once."""

    def __init__(self, fragments: dict[str, SelectionSetNode]) -> None:
        self.fragments = fragments
        self._by_fragment: dict[str, int] = {}

    def of(self, selection_set: SelectionSetNode) -> int:
        return max((self._of_one(selection) for selection in selection_set.selections), default=0)

    def _of_one(self, selection: SelectionNode) -> int:
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value)
        inner = _selection_set_of(selection)
        return (isinstance(selection, FieldNode) and 1) + (self.of(inner) if inner else 0)

    def _of_fragment(self, name: str) -> int:
        if name in self.fragments and name not in self._by_fragment:
            self._by_fragment[name] = (
                0  # ends the recursion of a fragment that contains itself, which validation refuses
            )
            try:
                self._by_fragment[name] = self.of(self.fragments[name])
            except RecursionError:
                raise _too_deep() from None
        return self._by_fragment.get(name, 0)
