"""Writes the asynchronous client, atelier/client/aio, from the synchronous one; `--check` only compares.

What waits for the service becomes a coroutine, what yields while it waits an asynchronous iterator, and a
class that has one of these gets a name with `Async` before it. All else is imported from where it stands.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

from kinds import BY_HAND, Code, names_in
from rewriter import Rewriter

CHECKOUT = Path(__file__).resolve().parents[3]
CLIENT = CHECKOUT / "atelier" / "client"
HEADER = '"""Made from {source} by `make async-client`: change that file, not this one."""\n\n'
RULES = "F401,F811,I,UP034"  # of ruff: what it puts right
ADDED = (
    "import asyncio\n"
    "from collections.abc import AsyncGenerator, AsyncIterator\n"
    "from contextlib import aclosing, asynccontextmanager\n"
    f"from atelier.client.aio.concurrency import {', '.join(sorted(BY_HAND))}\n"
)


def main() -> int:
    """Write what differs; with `--check` name it, and fail."""
    code = Code(CLIENT)
    made = {place: text for place in code.modules if (text := _module(code, place))}
    texts = {CLIENT / "aio" / place: text for place, text in _formatted(made).items()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if "--check" in sys.argv:
            print(f"{path.relative_to(CHECKOUT)} is not what its source makes: run `make async-client`")  # noqa: T201
        else:
            path.write_text(texts[path], "utf-8")
    return int(bool(stale) and "--check" in sys.argv)


def _module(code: Code, place: Path) -> str:
    """Return the asynchronous form of a module; "" where nothing in it waits."""
    tree = code.modules[place]
    kept = [node for node in tree.body if _is_kept(code, node)]
    if not kept:
        return ""
    defined = {name for node in tree.body for name in _defined(node)}
    own = {node.name for node in kept if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    here = sorted(names_in(*kept) & (defined - own - BY_HAND))
    imports = [ast.unparse(_moved(code, node)) for node in tree.body if _is_import(node)]
    imports += [f"from {_dotted(place)} import {', '.join(here)}"] if here else []
    body = [ast.unparse(ast.fix_missing_locations(Rewriter(code).visit(deepcopy(node)))) for node in kept]
    header = HEADER.format(source=f"atelier/client/{place.as_posix()}")
    return header + ADDED + "\n".join(imports) + "\n\n" + "\n\n".join(body) + "\n"


def _is_kept(code: Code, node: ast.stmt) -> bool:
    """Whether a statement has an asynchronous form."""
    if isinstance(node, ast.ClassDef):
        return node.name in code.asynchronous
    return isinstance(node, ast.FunctionDef) and bool(code.kind_of(node.name)) and node.name not in BY_HAND


def _defined(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    for target in node.targets if isinstance(node, ast.Assign) else ():
        yield ast.unparse(target)


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _moved(code: Code, node: ast.stmt) -> ast.stmt:
    """Return an import with what is asynchronous from where that stands."""
    if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("atelier.client."):
        return node
    lines = []
    for alias in node.names:
        is_class, waits = alias.name in code.asynchronous, bool(code.kind_of(alias.name))
        name = f"Async{alias.name}" if is_class else alias.name
        module = str(node.module).replace("client.", "client.aio.", 1) if is_class or waits else node.module
        lines.append(f"from {module} import {name}")
    return ast.Module(ast.parse("\n".join(lines)).body, [])  # type: ignore[return-value]


def _dotted(place: Path) -> str:
    return ".".join(("atelier.client", *place.with_suffix("").parts))


def _formatted(texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return modules without unused imports, in the one form of the code."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for place, text in texts.items():
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_text(text, "utf-8")
        form = ["--config", str(CHECKOUT / "pyproject.toml"), "--config", f"src = ['{CHECKOUT}']", name]
        for command in (["check", "--fix-only", "--select", RULES], ["format"]):
            subprocess.run([sys.executable, "-m", "ruff", *command, "--quiet", *form], check=True)
        return {place: (folder / place).read_text("utf-8") for place in texts}


if __name__ == "__main__":
    sys.exit(main())
