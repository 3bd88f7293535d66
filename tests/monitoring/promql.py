"""Which metrics and labels the expressions of dashboards and rules name, read by a parser of PromQL."""

from dataclasses import dataclass, field

import promql_parser as promql

TIMES = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h"}  # that Grafana fills in


@dataclass
class Named:
    """A selector, with all labels that the expression around it names of its result."""

    metric: str
    matched: dict[str, str] = field(default_factory=dict)  # by label: what it is compared with
    grouped: set[str] = field(default_factory=set)


def selectors(expression: str) -> list[Named]:
    """Return what an expression selects. Raises ValueError where it is no PromQL."""
    for name, value in TIMES.items():
        expression = expression.replace(name, value)
    found: list[Named] = []
    _walk(promql.parse(expression), set(), found)
    return found


def _walk(part: object, grouped: set[str], found: list[Named]) -> None:
    if isinstance(part, promql.MatrixSelector):
        part = part.vector_selector
    if isinstance(part, promql.VectorSelector):
        matched = {each.name: each.value for each in part.matchers.matchers}
        found.append(Named(part.name or matched.pop("__name__"), matched, set(grouped)))
        return
    for inner in _parts(part):
        _walk(inner, grouped | _labels_of(part), found)


def _parts(part: object) -> list[object]:
    """Return the expressions that one is made of."""
    if isinstance(part, promql.Call):
        return list(part.args)
    if isinstance(part, promql.BinaryExpr):
        return [part.lhs, part.rhs]
    if isinstance(part, (promql.AggregateExpr, promql.ParenExpr, promql.UnaryExpr, promql.SubqueryExpr)):
        return [part.expr]
    assert isinstance(part, (promql.NumberLiteral, promql.StringLiteral)), type(part)
    return []


def _labels_of(part: object) -> set[str]:
    """Return the labels by which an expression groups, or matches its sides."""
    modifier = getattr(part, "modifier", None)
    if isinstance(part, promql.BinaryExpr):
        modifier = modifier and modifier.matching
    return set(modifier.labels) if modifier else set()


def labels_left(expression: str) -> set[str] | None:
    """Return the labels of the result of an expression that aggregates at its top; None where it does not."""
    for name, value in TIMES.items():
        expression = expression.replace(name, value)
    return _left(promql.parse(expression))


def _left(part: object) -> set[str] | None:
    if isinstance(part, promql.AggregateExpr) and str(part.op) not in ("topk", "bottomk"):
        return set(part.modifier.labels) if part.modifier else set()
    if isinstance(part, promql.AggregateExpr):
        return _left(part.expr)
    if isinstance(part, promql.BinaryExpr):
        return _left(part.lhs)
    if isinstance(part, promql.Call):
        left = next((each for each in map(_left, part.args) if each is not None), None)
        return left - {"le"} if left is not None and part.func.name == "histogram_quantile" else left
    return None
