"""Rules of our own about SQL. Each takes a file and names the places where it is broken."""

import ast
import re
from collections.abc import Iterator

import msgspec

from tests.architecture.sources import Source

STATEMENT = re.compile(
    r"\s*(select|insert|update|delete|with|create|drop|alter|grant|set|begin|pragma|truncate)\s", re.I
)
READS = re.compile(r"\b(?:from|join)\s+read\.(\w+)", re.I)
READS_LOG = re.compile(r"\b(?:from|join)\s+log\.(?:events|commands)\b", re.I)
ABOUT_ALL = (
    "api/run/doctor/",
    "api/run/scraping.py",
    "event_log/looking.py",
    "event_log/verifying.py",
    "event_log/pages.py",
    "views/status.py",
    "views/remains.py",
)
"""Tools of operators and workers of views: their business are all tenants, and no request gets there."""
ONE_TENANT = re.compile(r"\btenant_id = (?:\$\d|%s)")
TENANT = re.compile(r"\btenant_id = \$1(?!\d)")
SAME_TENANT = re.compile(r"\btenant_id = \w+\.tenant_id\b")
ASKS = frozenset({"fetch", "fetchrow", "fetchval", "execute", "executemany", "cursor"})
QUOTES = frozenset({"Identifier", "Literal", "Placeholder"})
"""What psycopg writes so that it cannot be taken for SQL."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Scope(msgspec.Struct, frozen=True):
    """What names mean at a place: first in the function, then in the file."""

    local: dict[str, list[ast.expr]]
    whole: dict[str, list[ast.expr]]
    parameters: dict[str, str]
    returns: dict[str, str]
    is_function: bool = True

    def meanings(self, name: str) -> list[ast.expr]:
        """Every expression that a name may stand for, as far as it can be seen."""
        return self.local.get(name) or self.whole.get(name) or []


def asks_for_one_tenant(source: Source) -> Iterator[str]:
    """A question to the views names its tenant, and every view that it joins is joined by tenant."""
    for node, scope in _texts(source):
        text = _text(node, scope)
        if scope.is_function and (views := READS.findall(text)):
            if not TENANT.search(text):
                yield f"{source.at(node)} asks {views[0]} without tenant_id = $1"
            elif len(TENANT.findall(text)) + len(SAME_TENANT.findall(text)) < len(views):
                yield f"{source.at(node)} joins {views[-1]} without its tenant"


def asks_the_log_for_one_tenant(source: Source) -> Iterator[str]:
    """A question to the log names its tenant. Those that are about everybody are few, and known."""
    for node, scope in _texts(source):
        text = _text(node, scope)
        is_apart = any(place in source.path for place in ABOUT_ALL)
        if READS_LOG.search(text) and not is_apart and not ONE_TENANT.search(text):
            yield f"{source.at(node)} asks the log about everybody"


def is_asked_in_the_projections(source: Source) -> Iterator[str]:
    """Questions to the views stand beside the views."""
    for node, scope in _texts(source):
        if source.layer != "projections" and READS.search(_text(node, scope)):
            yield f"{source.at(node)} asks a view"


def builds_sql_of_our_own_words(source: Source) -> Iterator[str]:
    """SQL is put together of constants, numbers and ids; what people say goes in as a parameter."""
    for node, scope in _texts(source):
        if STATEMENT.match(_text(node, scope)) and not _is_ours(node, scope):
            yield f"{source.at(node)} puts foreign words into SQL"


def _texts(source: Source) -> Iterator[tuple[ast.expr, Scope]]:
    """Everything that may be SQL: texts, sums of texts, texts that are formatted, and what is given to a driver."""
    apart = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    whole = _assigned([node for top in source.tree.body if not isinstance(top, apart) for node in ast.walk(top)])
    returns = {each.name: ast.unparse(each.returns) for each in source.functions if each.returns}
    inner: set[ast.AST] = set()
    nothing = Scope({}, whole, {}, returns, is_function=False)
    scopes = {id(function): _scope(function, whole, returns) for function in source.functions}
    for node, scope in _expressions(source.tree, nothing, scopes):
        if node in inner:
            continue
        given = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKS
        if given and isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
            yield node.args[0], scope
        if _is_text(node):
            inner.update(ast.walk(node))
            yield node, scope


def _expressions(node: ast.AST, scope: Scope, scopes: dict[int, Scope]) -> Iterator[tuple[ast.expr, Scope]]:
    for child in ast.iter_child_nodes(node):
        here = scopes.get(id(child), scope)
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.expr):
            yield child, here
        yield from _expressions(child, here, scopes)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return _is_text(node.left) or _is_text(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _is_text(node.func.value)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _text(node: ast.AST, scope: Scope, seen: frozenset[str] = frozenset()) -> str:
    """The words of a text, with what its names stand for, as far as that can be seen."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        known = () if node.id in seen else scope.meanings(node.id)
        return " ".join(_text(each, scope, seen | {node.id}) for each in known)
    between = "" if isinstance(node, ast.JoinedStr) else " "
    return between.join(_text(each, scope, seen) for each in ast.iter_child_nodes(node))


def _is_ours(node: ast.AST, scope: Scope, seen: frozenset[str] = frozenset()) -> bool:
    """Whether nothing in an expression can hold somebody else's words."""

    def ours(*parts: ast.AST) -> bool:
        return all(_is_ours(part, scope, seen) for part in parts)

    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) if name in seen:
            return True
        case ast.Name(id=name) if known := scope.meanings(name):
            return all(_is_ours(each, scope, seen | {name}) for each in known)
        case ast.Name(id=name):
            return name.isupper() or scope.parameters.get(name) == "int"
        case ast.Attribute(attr=name):
            return name == "__struct_fields__" or name.isupper()
        case ast.Call(func=ast.Attribute(value=of, attr="join" | "format"), args=given, keywords=named):
            return ours(of, *given, *(keyword.value for keyword in named))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="sql"), attr=way), args=given):
            return way in QUOTES or ours(*given)
        case ast.Call(func=ast.Name(id="map"), args=[ast.Attribute(value=ast.Name(id="sql"), attr=way), *_]):
            return way in QUOTES
        case ast.Call(func=ast.Name(id=name)):
            return name in ("UUID", "int", "len", "range") or scope.returns.get(name) == "int"
        case ast.GeneratorExp(elt=part) | ast.ListComp(elt=part):
            return ours(part)
        case ast.Subscript(value=of):
            return ours(of)
        case ast.IfExp(body=one, orelse=other):
            return ours(one, other)
        case ast.BinOp(left=one, right=other):
            return ours(one, other)
        case ast.Starred(value=part) | ast.FormattedValue(value=part):
            return ours(part)
        case ast.JoinedStr(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            return ours(*parts)
        case ast.Dict(values=parts):
            return ours(*parts)
        case _:
            return False


def _scope(function: Function, whole: dict[str, list[ast.expr]], returns: dict[str, str]) -> Scope:
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    parameters = {each.arg: ast.unparse(each.annotation) if each.annotation else "" for each in given}
    return Scope(_assigned(list(ast.walk(function))), whole, parameters, returns)


def _assigned(nodes: list[ast.AST]) -> dict[str, list[ast.expr]]:
    """What each name is given: by assignments, loops, and what is appended to a list."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [pair for target in node.targets for pair in _pairs(target, node.value)]
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = list(_pairs(node.target, node.iter))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            pairs = [(node.func.value, each) for each in node.args]
        for target, value in pairs:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(value)
    return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
        yield from zip(target.elts, values or [value] * len(target.elts), strict=True)
    else:
        yield target, value
