"""Rules of our own, each tried on code that breaks it, and then on all the code there is."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture import manners, questions
from tests.architecture.sources import Source, product, proofs, source

Rule = Callable[[Source], Iterator[str]]
RULES: tuple[Rule, ...] = (
    manners.reads_no_clock_and_draws_nothing,
    manners.swallows_nothing,
    manners.prints_only_for_operators,
    manners.logs_ids_and_kinds,
    manners.explains_itself,
    questions.asks_for_one_tenant,
    questions.asks_the_log_for_one_tenant,
    questions.is_asked_in_the_projections,
    questions.builds_sql_of_our_own_words,
)
ALLOWED = {
    "api/live.py serve suppresses every exception": "a socket that is gone cannot be closed, and need not be",
    "api/main.py ready suppresses every exception": "whether a part answers is the answer",
    "infrastructure/database/connections.py walled puts foreign words into SQL": "a view's own question, and a number",
    "infrastructure/event_log/reading.py after asks the log about everybody": "who follows the log follows everybody",
    "infrastructure/event_log/reading.py event_at asks the log about everybody": "which log it is, is nobody's",
    "infrastructure/event_log/reading.py head asks the log about everybody": "how long the log is, is nobody's",
    "infrastructure/event_log/reading.py page asks the log about everybody": "who follows the log follows everybody",
    "infrastructure/event_log/reading.py streams_with asks the log about everybody": "a key store has everybody's keys",
    "infrastructure/views/remains.py _query puts foreign words into SQL": "names of our own tables, from the catalogue",
}
"""Where a rule does not hold, and why."""

BROKEN: list[tuple[Rule, str]] = [
    (manners.reads_no_clock_and_draws_nothing, "from datetime import datetime\nstarted = datetime.now()"),
    (manners.reads_no_clock_and_draws_nothing, "def f(at=uuid4()): ..."),
    (manners.reads_no_clock_and_draws_nothing, "import time\ndef f(): return time.time()"),
    (manners.swallows_nothing, "try: f()\nexcept Exception: pass"),
    (manners.swallows_nothing, "try: f()\nexcept: ..."),
    (manners.swallows_nothing, "def g():\n    try: f()\n    except (KeyError, BaseException): return None"),
    (
        manners.swallows_nothing,
        "for x in y:\n    try: f(x)\n    except Exception:\n        'so what'\n        continue",
    ),
    (manners.swallows_nothing, "with contextlib.suppress(Exception): f()"),
    (manners.prints_only_for_operators, "print('here')"),
    (manners.logs_ids_and_kinds, "log.info('sent', text=message.text)"),
    (manners.logs_ids_and_kinds, "log.info(f'sent {text}')"),
    (manners.logs_ids_and_kinds, "log.warning('away', error=str(error))"),
    (manners.logs_ids_and_kinds, "log.warning('away', error=error)"),
    (manners.logs_ids_and_kinds, "log.warning('away', view=repr(view))"),
    (manners.logs_ids_and_kinds, "log.warning('away', view=f'{name}')"),
    (manners.logs_ids_and_kinds, "log.error('away', exc_info=True)"),
    (manners.logs_ids_and_kinds, "log.exception('away')"),
    (manners.logs_ids_and_kinds, "log.error('away', **everything)"),
    (manners.logs_ids_and_kinds, "log.error('away %s', who)"),
    (manners.logs_ids_and_kinds, "structlog.get_logger().error('away', who=name)"),
    (manners.logs_ids_and_kinds, "logging.warning('away: %s', who)"),
    (manners.explains_itself, "X = 1"),
    (manners.explains_itself, '"""A module."""\ndef f(): ...'),
    (manners.explains_itself, '"""A module."""\nasync def f(): ...'),
    (questions.asks_for_one_tenant, "async def f(db, who): return await db.fetch('select a from read.inbox')"),
    (questions.asks_for_one_tenant, "def f(db): return db.fetch('select a from read.inbox where tenant_id = $10')"),
    (questions.asks_for_one_tenant, "Q = 'select a from read.inbox'\ndef f(db): return db.fetch(Q)"),
    (questions.asks_for_one_tenant, "F = 'from read.inbox'\ndef f(db): return db.fetch(f'select a {F} where id = $1')"),
    (
        questions.asks_for_one_tenant,
        """def f(db): return db.fetch('''select a from read.inbox i join read.people p on p.id = i.person
        where i.tenant_id = $1''')""",
    ),
    (
        questions.asks_for_one_tenant,
        """def f(db, open):
        conditions = ['i.id = $1']
        conditions.append('i.is_open')
        return db.fetch(f'select a from read.inbox i where {" and ".join(conditions)}')""",
    ),
    (questions.asks_the_log_for_one_tenant, "def f(db): return db.fetch('select a from log.events where b = $1')"),
    (questions.asks_the_log_for_one_tenant, "Q = 'select a from b join log.commands c on c.tenant_id = b.tenant_id'"),
    (questions.is_asked_in_the_projections, "Q = 'select a from read.inbox where tenant_id = $1'"),
    (questions.builds_sql_of_our_own_words, "def f(db, name): db.execute(f'select a from b where c = {name}')"),
    (questions.builds_sql_of_our_own_words, "def f(db, name): db.execute('select a from b where c = ' + name)"),
    (questions.builds_sql_of_our_own_words, "def f(db, name): db.execute('select a from b where c = %s' % name)"),
    (questions.builds_sql_of_our_own_words, "def f(db, name): db.execute('select {} from b'.format(name))"),
    (questions.builds_sql_of_our_own_words, "def f(db, name):\n    q = f'delete from {name}'\n    db.execute(q)"),
    (questions.builds_sql_of_our_own_words, "def f(db, o): db.fetch(f'select a from b order by {o.name}')"),
    (
        questions.builds_sql_of_our_own_words,
        """def f(db, name):
        conditions = ['a = 1']
        conditions.append(f'b = {name}')
        return db.fetch(f'select a from b where {" and ".join(conditions)}')""",
    ),
]
KEPT: list[tuple[Rule, str]] = [
    (manners.reads_no_clock_and_draws_nothing, "def f(now): return now + 1"),
    (manners.swallows_nothing, "try: f()\nexcept KeyError: pass"),
    (manners.swallows_nothing, "try: f()\nexcept Exception as error:\n    log.error('broken')"),
    (manners.swallows_nothing, "with contextlib.suppress(OSError, TimeoutError): f()"),
    (manners.logs_ids_and_kinds, "log.warning('a part is away', error=type(error).__name__, view=view.NAME)"),
    (manners.logs_ids_and_kinds, "metrics.log('sent', text=text)"),
    (manners.explains_itself, '"""A module."""\ndef _f(): ...\nclass A:\n    def g(self): ...'),
    (questions.asks_for_one_tenant, "def f(db): return db.fetch('select a from read.inbox where tenant_id = $1')"),
    (questions.asks_the_log_for_one_tenant, "Q = 'select a from log.events where b = %s and tenant_id = %s'"),
    (
        questions.asks_for_one_tenant,
        """F = 'from read.inbox i left join read.people p on p.tenant_id = i.tenant_id and p.id = i.person'
def f(db):
        conditions, values = ['i.tenant_id = $1'], []
        return db.fetch(f'select a {F} where {" and ".join(conditions)}')""",
    ),
    (
        questions.builds_sql_of_our_own_words,
        """ORDERS = {'up': ('a', 'b')}
def f(db, values, limit: int, newest: bool, row):
        behind, order = ORDERS['up']
        query = f'select {COLUMNS} from a where {behind} order by {order} {"desc" if newest else ""} limit {limit + 1}'
        other = f'insert into a ({", ".join(Row.__struct_fields__)}) values ({row})' if False else ''
        return db.fetch(query, *values)""".replace("({row})", "({UUID(row)})"),
    ),
    (
        questions.builds_sql_of_our_own_words,
        "def f(db, t):\n    q = sql.SQL('drop table {}').format(sql.Identifier(t))\n    db.execute(q)",
    ),
]


def called(value: object) -> str | None:
    return getattr(value, "__name__", None)


def found(rule: Rule, code: str, layer: str = "infrastructure") -> list[str]:
    """Where this code breaks the rule, if it stood in this layer."""
    layer = "projections" if rule is manners.reads_no_clock_and_draws_nothing else layer
    return list(rule(source(f"{layer}/tried.py", code)))


@pytest.mark.parametrize(("rule", "code"), BROKEN, ids=called)
def test_a_rule_finds_what_breaks_it(rule: Rule, code: str) -> None:
    assert found(rule, code) != []


@pytest.mark.parametrize(("rule", "code"), KEPT, ids=called)
def test_a_rule_leaves_alone_what_keeps_it(rule: Rule, code: str) -> None:
    assert found(rule, code) == []


@pytest.mark.parametrize("rule", RULES, ids=called)
def test_the_product_keeps_the_rule(rule: Rule) -> None:
    assert [broken for each in product() for broken in rule(each) if _without_line(broken) not in ALLOWED] == []


def test_no_test_swallows_what_went_wrong() -> None:
    assert [broken for each in proofs() for broken in manners.swallows_nothing(each)] == []


def test_nothing_is_allowed_that_nobody_does() -> None:
    broken = {_without_line(each) for rule in RULES for file in product() for each in rule(file)}
    assert set(ALLOWED) <= broken


def _without_line(broken: str) -> str:
    return re.sub(r":\d+", "", broken, count=1)
