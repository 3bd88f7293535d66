"""Finds out which functions of the synchronous client wait for the service.

It follows the calls, from the PRIMITIVES on, by the annotations of the code.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import TypeVar


class Kind(IntEnum):
    """What a call of a function gives in the asynchronous client."""

    PLAIN = 0
    AWAITED = 1
    ITERATED = 2  # by `async for`
    ENTERED = 3  # by `async with`


PRIMITIVES = {  # by the text of the call: what waits, and its name in the asynchronous client
    "time.sleep": (Kind.AWAITED, "asyncio.sleep"),
    "self._sleep": (Kind.AWAITED, "self._sleep"),
    "self._http.request": (Kind.AWAITED, "self._http.request"),
    "self._http.stream": (Kind.ENTERED, "self._http.stream"),
    "self._http.close": (Kind.AWAITED, "self._http.aclose"),
    "response.read": (Kind.AWAITED, "response.aread"),
    "EventSource(response).iter_sse": (Kind.ITERATED, "EventSource(response).aiter_sse"),
    "download": (Kind.AWAITED, "download"),  # a parameter
    "in_order": (Kind.ITERATED, "in_order"),
}
BLOCKING = {"_read_source", "_is_there", "check_there", "write_whole"}  # they use the disk: in a thread
BY_HAND = {"in_order", "Download", "Results", "Sleep"}  # in atelier/client/aio/concurrency.py
HOOKS = {"Transport._identify"}  # httpx awaits it
Node = TypeVar("Node", bound=ast.AST)


class Code:
    """All modules of the synchronous client: their classes, their functions, and which of them wait."""

    def __init__(self, folder: Path) -> None:
        self.modules = {
            path.relative_to(folder): ast.parse(path.read_text("utf-8")) for path in _sources(folder)
        }
        statements = [statement for tree in self.modules.values() for statement in tree.body]
        self.classes = {node.name: node for node in statements if isinstance(node, ast.ClassDef)}
        self.functions: dict[str, list[tuple[ast.FunctionDef, str]]] = defaultdict(list)  # with overloads
        for function, owner in functions_of(statements):
            self.functions[name_in(owner, function.name)].append((function, owner))
        self.kinds: dict[str, Kind] = dict.fromkeys(HOOKS, Kind.AWAITED)
        while any([self._learn(name) for name in self.functions]):
            pass
        self.asynchronous = self._asynchronous_classes()

    def _learn(self, name: str) -> bool:
        """Note a function's kind; return whether that was news."""
        before = self.kind_of(name)
        self.kinds[name] = max([before, *(self._kind(*entry) for entry in self.functions[name])])
        return self.kinds[name] != before

    def _kind(self, function: ast.FunctionDef, owner: str) -> Kind:
        scope = Scope(self, function, owner)
        if not any(scope.kind_of(call) for call in nodes(function, ast.Call)):
            return Kind.PLAIN
        if is_generator(function):
            return Kind.ENTERED if _is_context(function) else Kind.ITERATED
        returned = [node.value for node in nodes(function, ast.Return) if node.value]
        hands_on = any(scope.kind_of(value) is Kind.ITERATED for value in returned)
        return Kind.ITERATED if hands_on else Kind.AWAITED

    def _asynchronous_classes(self) -> set[str]:
        """Return the classes that have something that waits, or that mention such a class."""
        waiting = {name for name, kind in self.kinds.items() if kind}
        names = {owner for name in waiting for _, owner in self.functions[name] if owner}
        while more := {n for n, node in self.classes.items() if names & names_in(node)} - names:
            names |= more
        return names

    def kind_of(self, name: str) -> Kind:
        """Return the kind of a function by its full name."""
        return self.kinds.get(name, Kind.PLAIN)

    def method(self, owner: str, name: str) -> str:
        """Return the full name of a method, which may be that of a base; "" without one."""
        if name_in(owner, name) in self.functions:
            return name_in(owner, name)
        return next((full for base in self._bases(owner) if (full := self.method(base, name))), "")

    def attribute(self, owner: str, name: str) -> str:
        """Return the class of an attribute, as `__init__` gives it; "" where that is not known."""
        for function, _ in self.functions.get(name_in(owner, "__init__"), ()):
            for node in nodes(function, ast.Assign):
                if ast.unparse(node.targets[0]) == f"self.{name}":
                    return Scope(self, function, owner).class_of(node.value)
        return next((found for base in self._bases(owner) if (found := self.attribute(base, name))), "")

    def _bases(self, owner: str) -> list[str]:
        return [ast.unparse(base) for base in self.classes[owner].bases] if owner in self.classes else []


class Scope:
    """One function: the classes of its names, and the kinds of the calls in it."""

    def __init__(self, code: Code, function: ast.FunctionDef, owner: str) -> None:
        self._code = code
        arguments = [*function.args.args, *function.args.kwonlyargs]
        self._types = {entry.arg: ast.unparse(entry.annotation) for entry in arguments if entry.annotation}
        self._types["self"] = owner
        for node in nodes(function, ast.Assign):
            if isinstance(node.targets[0], ast.Name) and (found := self.class_of(node.value)):
                self._types[node.targets[0].id] = found

    def class_of(self, value: ast.expr) -> str:
        """Return the class of a value; "" where that is not known."""
        if isinstance(value, ast.Name):
            return self._types.get(value.id, "")
        if isinstance(value, ast.Attribute):
            return self._code.attribute(self.class_of(value.value), value.attr)
        if not isinstance(value, ast.Call):
            return ""
        if isinstance(value.func, ast.Name) and value.func.id in self._code.classes:
            return value.func.id
        functions = self._code.functions.get(self._callee(value), [])
        return next((ast.unparse(function.returns) for function, _ in functions if function.returns), "")

    def _callee(self, call: ast.Call) -> str:
        """Return the full name of the function that is called; "" where it is none of the client's."""
        if isinstance(call.func, ast.Name):
            return call.func.id
        if isinstance(call.func, ast.Attribute):
            return self._code.method(self.class_of(call.func.value), call.func.attr)
        return ""

    def kind_of(self, value: ast.AST) -> Kind:
        """Return what an expression gives; only a call is anything but plain."""
        if not isinstance(value, ast.Call):
            return Kind.PLAIN
        text = ast.unparse(value.func)
        if text in BLOCKING:
            return Kind.AWAITED
        return PRIMITIVES[text][0] if text in PRIMITIVES else self._code.kind_of(self._callee(value))

    def is_iterated(self, value: ast.expr) -> bool:
        """Whether a loop over an expression waits."""
        over_itself = self._code.kind_of(self._code.method(self.class_of(value), "__iter__"))
        return Kind.ITERATED in (self.kind_of(value), over_itself)


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        if path.name != "__init__.py" and "aio" not in path.relative_to(folder).parts:
            yield path


def nodes(root: ast.AST, wanted: type[Node]) -> Iterator[Node]:
    """Yield all nodes of one type in a tree."""
    return (node for node in ast.walk(root) if isinstance(node, wanted))


def names_in(*roots: ast.AST) -> set[str]:
    """Return all names that some code uses."""
    return {node.id for root in roots for node in nodes(root, ast.Name)}


def functions_of(statements: list[ast.stmt]) -> Iterator[tuple[ast.FunctionDef, str]]:
    """Yield functions and methods, each with the name of its class."""
    for statement in statements:
        owner = statement.name if isinstance(statement, ast.ClassDef) else ""
        for node in statement.body if isinstance(statement, ast.ClassDef) else [statement]:
            if isinstance(node, ast.FunctionDef):
                yield node, owner


def name_in(owner: str, name: str) -> str:
    """Return the full name of a function of a class, or of none."""
    return f"{owner}.{name}" if owner else name


def is_generator(function: ast.FunctionDef) -> bool:
    """Whether a function yields."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))


def _is_context(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator) == "contextmanager" for decorator in function.decorator_list)
