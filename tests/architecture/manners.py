"""Rules of our own about how code behaves. Each takes a file and names the places where it is broken."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source

CLOCK = frozenset(
    ("now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "localtime", "gmtime")
)
CHANCE = frozenset(
    (
        "uuid1",
        "uuid4",
        "uuid6",
        "uuid7",
        "urandom",
        "random",
        "randint",
        "randbytes",
        "getrandbits",
        "choice",
        "shuffle",
    )
) | {"token_bytes", "token_hex", "token_urlsafe"}
BROAD = frozenset({"Exception", "BaseException"})
WAYS_TO_LOG = frozenset({"debug", "info", "warning", "warn", "error", "critical", "fatal", "exception", "msg", "log"})
SAID_IN_LOGS = {
    "after": "a position of the log",
    "command": "the id of a command",
    "correlation": "the id of the request that began it",
    "error": "the kind of an exception, never its words",
    "fields": "a number",
    "first": "a position of the log",
    "end": "a position of the log",
    "fact": "the name of a kind of fact",
    "facts": "a number",
    "method": "GET, POST and so on",
    "position": "a position of the log",
    "reaction": "the name of a reaction",
    "retry_in": "seconds",
    "seconds": "how long it took",
    "start": "a position of the log",
    "status": "a status of HTTP",
    "stream": "the id of a stream",
    "version": "a number",
    "view": "the name of a view",
    "views": "names of views",
    "where": "a file and a line of our own",
}
"""All that a log line may say besides its own constant words, and what it is."""


def reads_no_clock_and_draws_nothing(source: Source) -> Iterator[str]:
    """Time and ids come in from outside: in domain, application and projections nobody asks a clock or chance."""
    if source.layer in ("domain", "application", "projections"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and (name := _name(node.func)) in CLOCK | CHANCE:
                yield f"{source.at(node)} calls {name}()"


def swallows_nothing(source: Source) -> Iterator[str]:
    """Whoever catches everything does something about it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and all(map(_says_nothing, node.body)):
            yield f"{source.at(node)} swallows every exception"
        if isinstance(node, ast.Call) and _name(node.func) == "suppress" and any(map(_is_broad, node.args)):
            yield f"{source.at(node)} suppresses every exception"


def prints_only_for_operators(source: Source) -> Iterator[str]:
    """print() is the command line's."""
    for node in ast.walk(source.tree):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "pprint")
        if is_call and source.path != "api/cli.py":
            yield f"{source.at(node)} prints"


def logs_ids_and_kinds(source: Source) -> Iterator[str]:
    """A log line is constant words and things of the list: no content, no words of an exception."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func):
            yield from _said(source, node)


def explains_itself(source: Source) -> Iterator[str]:
    """A module says what it is, and a public function what it takes, gives and raises, as far as its name does not."""
    if ast.get_docstring(source.tree) is None:
        yield f"{source.at(source.tree)} says nothing of itself"
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield from () if ast.get_docstring(node) else (f"{source.at(node)} says nothing of itself",)


def _said(source: Source, call: ast.Call) -> Iterator[str]:
    where, way = source.at(call), _name(call.func)
    if way == "exception":
        yield f"{where} logs the words of an exception"
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant):
        yield f"{where} logs something that is not constant"
    for keyword in call.keywords:
        if keyword.arg not in SAID_IN_LOGS:
            yield f"{where} logs {keyword.arg or 'whatever there is'}"
        elif isinstance(keyword.value, ast.JoinedStr) and keyword.arg != "where":
            yield f"{where} logs a text as {keyword.arg}"
        elif keyword.arg == "error" and not _is_kind(keyword.value):
            yield f"{where} logs more of an error than its kind"
        elif any(isinstance(each, ast.Call) and _name(each.func) in ("str", "repr", "format") for each in
                 ast.walk(keyword.value)):  # fmt: skip
            yield f"{where} logs a text as {keyword.arg}"


def _is_kind(value: ast.expr) -> bool:
    """``type(error).__name__``, or a name that was given to it."""
    return (isinstance(value, ast.Attribute) and value.attr == "__name__") or (
        isinstance(value, ast.Name) and value.id not in ("error", "exc", "exception", "e")
    )


def _is_log(func: ast.Attribute) -> bool:
    owner = func.value
    if func.attr not in WAYS_TO_LOG:
        return False
    return (isinstance(owner, ast.Name) and owner.id in ("log", "logger", "logging")) or (
        isinstance(owner, ast.Call) and _name(owner.func) in ("get_logger", "getLogger", "bind")
    )


def _is_broad(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_is_broad, kind.elts))
    return kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    is_words = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_words or isinstance(statement, ast.Pass | ast.Continue | ast.Break)


def _name(func: ast.expr) -> str:
    """The last word of what is called."""
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""
