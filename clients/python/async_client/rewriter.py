"""Turns the functions and classes that wait into their asynchronous form."""

import ast

from kinds import BLOCKING, PRIMITIVES, Code, Kind, Scope, is_generator, name_in

RENAMED = {
    "httpx.Client": "httpx.AsyncClient",
    "time.sleep": "asyncio.sleep",
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "__iter__": "__aiter__",
}


class Rewriter(ast.NodeTransformer):
    """Rewrites one statement of a module: a class, or a function."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._owner = ""
        self._scope: Scope | None = None

    def _kind(self, node: ast.AST) -> Kind:
        return self._scope.kind_of(node) if self._scope else Kind.PLAIN

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Give the class its asynchronous name."""
        self._owner = node.name
        self.generic_visit(node)
        node.name = self._renamed(node.name)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Make a coroutine or an asynchronous generator of what waits, unless it only hands one on."""
        kind = self._code.kind_of(name_in(self._owner, node.name))
        waits = kind is Kind.AWAITED or (kind is not Kind.PLAIN and is_generator(node))
        self._scope = Scope(self._code, node, self._owner)
        self.generic_visit(node)
        node.name = RENAMED.get(node.name, node.name)
        if kind is Kind.ITERATED and isinstance(node.returns, ast.Subscript):
            node.returns = _expression(f"AsyncGenerator[{ast.unparse(node.returns.slice)}, None]")
        if kind is Kind.ENTERED and node.returns:
            node.returns = _expression(f"Async{ast.unparse(node.returns)}")
            node.decorator_list = [_expression("asynccontextmanager")]
        members = {name: getattr(node, name) for name in node._fields}
        return ast.AsyncFunctionDef(**members) if waits or node.name.startswith("__a") else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Await what waits; what uses the disk is done in a thread."""
        kind, text = self._kind(node), ast.unparse(node.func)
        self.generic_visit(node)
        if text in BLOCKING:
            node = ast.Call(_expression("asyncio.to_thread"), [node.func, *node.args], node.keywords)
        elif text in PRIMITIVES:
            node.func = _expression(PRIMITIVES[text][1])
        return ast.Await(node) if kind is Kind.AWAITED else node

    def visit_For(self, node: ast.For) -> ast.AST:
        """Wait for each entry of what waits, and close that at the end: nothing else does so at once."""
        kind, waits = self._kind(node.iter), self._scope is not None and self._scope.is_iterated(node.iter)
        self.generic_visit(node)
        if not waits:
            return node
        loop = ast.AsyncFor(node.target, node.iter, node.body, node.orelse)
        if kind is not Kind.ITERATED:
            return loop
        opened = ast.Call(ast.Name("aclosing"), [node.iter], [])
        loop.iter = ast.Name("stream")
        return ast.AsyncWith([ast.withitem(opened, ast.Name("stream"))], [loop])

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Wait for each entry of what waits."""
        node.is_async = int(self._scope is not None and self._scope.is_iterated(node.iter))
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Write a loop for `yield from`, which asynchronous generators do not have."""
        if not isinstance(node.value, ast.YieldFrom):
            return self.generic_visit(node)
        told = ast.Expr(ast.Yield(ast.Name("entry")))
        return self.visit_For(ast.For(ast.Name("entry"), node.value.value, [told], []))

    def visit_With(self, node: ast.With) -> ast.AST:
        """Enter one after the other, each in its way."""
        kinds = [self._kind(item.context_expr) for item in node.items]
        self.generic_visit(node)
        body: list[ast.stmt] = node.body
        for item, kind in zip(reversed(node.items), reversed(kinds), strict=True):
            body = [(ast.AsyncWith if kind is Kind.ENTERED else ast.With)([item], body)]
        return body[0]

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Put other libraries' asynchronous names in place."""
        renamed = RENAMED.get(ast.unparse(node))
        return _expression(renamed) if renamed else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Put asynchronous names in place."""
        return ast.Name(self._renamed(node.id))

    def _renamed(self, name: str) -> str:
        return f"Async{name}" if name in self._code.asynchronous else RENAMED.get(name, name)


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
