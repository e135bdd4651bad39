"""How the views are: what serves, how far behind, what is parked."""

from datetime import datetime

import msgspec

from infrastructure.views.generations import Owner


class ViewStatus(msgspec.Struct, frozen=True):
    """``lag`` in facts; ``seconds`` since the first fact that is missing, 0 when nothing is."""

    view: str
    generation: int
    version: int
    state: str
    position: int
    lag: int
    seconds: float
    parked: int
    moved_at: datetime | None


QUERY = """
    with head as (select position, recorded_at from log.events order by position desc limit 1)
    select g.view, g.generation, g.version, g.state, coalesce(c.position, 0),
        coalesce((select position from head), 0) - coalesce(c.position, 0),
        case when coalesce(c.position, 0) >= coalesce((select position from head), 0) then 0
            else extract(epoch from now() - (select recorded_at from log.events e
                where e.position > c.position order by e.position limit 1)) end::float8,
        (select count(*) from views.parked p where p.view = g.view and p.generation = g.generation), c.moved_at
    from views.generations g
    left join (select view, generation, min(position) as position, max(moved_at) as moved_at
        from views.checkpoints group by 1, 2) c using (view, generation)
    order by 1, 2"""


def status(db: Owner) -> list[ViewStatus]:
    """One line for each generation there is."""
    return [ViewStatus(*row) for row in db.execute(QUERY)]
