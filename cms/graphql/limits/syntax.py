"""How large a query may be, asked of its text and its syntax tree before anything expensive is done with it.

The limits are the settings GRAPHQL_MAX_…. What the answer may cost is worked out in cms/graphql/limits/cost.py, once
the query is known to be valid.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

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
# Comparing fields of the same name takes time that grows with the square of their number. Measured: 10,000
# comparisons take some 10 ms; the largest query of the contract needs 40.
MAX_COMPARISONS = 10_000
# Longer queries are parsed anew each time. A syntax tree of this length takes up to 0.8 MB, so all take 80 MB at most.
MAX_KEPT_LENGTH, MAX_KEPT = 4_000, 100


def document(query: str) -> DocumentNode:
    """The parsed query, valid and within the limits. Raises `RequestRefusedError`."""
    return _kept(query) if len(query) <= MAX_KEPT_LENGTH else _checked(query)


def _checked(query: str) -> DocumentNode:
    tree = _parsed(query)
    _within_limits(tree)
    errors = validate(schema.graphql_schema, tree, _RULES, max_errors=MAX_ERRORS)
    if any(isinstance(error, ValidationAbortedError) for error in errors) and len(errors) <= 1:
        raise RequestRefusedError.because(
            "The query asks for the same fields too many times. Ask for each field once, under one name.",
            Code.TOO_MANY_REPEATED_FIELDS,
        )
    if errors:
        raise RequestRefusedError(*errors, code=Code.VALIDATION_FAILED)
    return tree


_kept = lru_cache(maxsize=MAX_KEPT)(_checked)  # what is refused is not kept


def _parsed(query: str) -> DocumentNode:
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


class _BoundedOverlap(OverlappingFieldsCanBeMergedRule):
    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS


class _ShortNumbers(ValidationRule):
    """Python refuses to read numbers of thousands of digits, with an error that is no reader's business."""

    def enter_int_value(
        self, node: IntValueNode | FloatValueNode, key: Any, parent: Any, path: Any, above: list[Any]
    ) -> None:
        if len(node.value) <= MAX_DIGITS:
            return
        where = ""
        for each in [*above, parent]:
            if isinstance(each, ArgumentNode):
                where = f'Argument "{each.name.value}": '
            elif isinstance(each, VariableDefinitionNode):
                where = f'Variable "${each.variable.name.value}": '
        message = f"{where}a number has more than {MAX_DIGITS} digits."
        raise RequestRefusedError(GraphQLError(message, nodes=node), code=Code.VALIDATION_FAILED)

    enter_float_value = enter_int_value


# The first sees a number before the others do.
_RULES: list[type[ASTValidationRule]] = [
    _ShortNumbers,
    *(_BoundedOverlap if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
]


# --- Limits of the syntax tree -------------------------------------------------------------------------------


def _within_limits(tree: DocumentNode) -> None:
    """Linear in the size of the query, whatever its fragments do. Raises `RequestRefusedError`."""
    operations = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = [each for each in tree.definitions if isinstance(each, FragmentDefinitionNode)]
    counts: Counter[str] = Counter()
    for operation in operations:
        _count_in(operation, counts, of_schema=False)
    for fragment in fragments:
        _count_in(fragment, counts, of_schema=_is_of_schema(fragment.type_condition))
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


def _count_in(
    definition: OperationDefinitionNode | FragmentDefinitionNode, counts: Counter[str], of_schema: bool
) -> None:
    counts["directives"] += len(definition.directives)
    _count(definition.selection_set, counts, of_schema)


def _count(selection_set: SelectionSetNode, counts: Counter[str], of_schema: bool) -> None:
    """`of_schema` says whether these are fields of introspection, which have thousands of objects."""
    for selection in selection_set.selections:
        counts["directives"] += len(selection.directives)
        below = _below(selection)
        if isinstance(selection, FieldNode) and selection.alias and (below or selection.arguments or of_schema):
            counts["aliases"] += 1  # another name for a plain field makes no work elsewhere
        if below:
            _count(below, counts, of_schema or (isinstance(selection, FieldNode) and _is_of_schema(selection)))


def _is_of_schema(node: FieldNode | NamedTypeNode) -> bool:
    return node.name.value.startswith("__")


def _below(selection: SelectionNode) -> SelectionSetNode | None:
    return getattr(selection, "selection_set", None)


def _root_fields(
    selection_set: SelectionSetNode, fragments: dict[str, SelectionSetNode], seen: set[str]
) -> Iterator[str]:
    """The names under which root fields are answered, those in fragments included."""
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield (selection.alias or selection.name).value
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name in fragments and name not in seen:
                seen.add(name)
                yield from _root_fields(fragments[name], fragments, seen)
        elif below := _below(selection):
            yield from _root_fields(below, fragments, seen)


class _Depths:
    """How many fields deep a selection goes, each fragment looked at once."""

    def __init__(self, fragments: dict[str, SelectionSetNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, int] = {}

    def of(self, selection_set: SelectionSetNode) -> int:
        return max((self._of_one(selection) for selection in selection_set.selections), default=0)

    def _of_one(self, selection: SelectionNode) -> int:
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value)
        below = _below(selection)
        return (isinstance(selection, FieldNode) and 1) + (self.of(below) if below else 0)

    def _of_fragment(self, name: str) -> int:
        if name in self.fragments and name not in self.known:
            self.known[name] = 0  # a fragment that leads to itself is refused by validation
            try:
                self.known[name] = self.of(self.fragments[name])
            except RecursionError:
                raise _too_deep() from None
        return self.known.get(name, 0)
