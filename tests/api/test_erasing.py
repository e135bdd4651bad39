"""Having somebody forgotten, over HTTP."""

import pytest

from domain.accounts.events import Role
from infrastructure.views.reads import ViewIsBehind
from tests.api.routes import World
from tests.house import arrived

pytestmark = [pytest.mark.usefixtures("unhurried"), pytest.mark.requirement("R-PRI-2")]


async def test_what_was_decided_is_answered_also_while_no_view_has_heard_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    officer, path = world.agents[Role.COMPLIANCE], f"/v1/visitors/{world.visitor.id}/erasure"

    async def never(*_: object, **__: object) -> None:
        raise ViewIsBehind

    with monkeypatch.context() as behind:
        behind.setattr(world.helpr.house.positions, "reached", never)
        one = await officer.post(path, json={"reason": "requested"})
        other = await officer.post(path, json={"reason": "requested"})
        assert (
            await officer.get(path, headers={"Helpr-Min-Position": one.headers["helpr-position"]})
        ).status_code == 503
    assert (one.status_code, other.status_code) == (202, 202)
    told = one.json()
    assert (told["visitor"], told["reason"]) == (str(world.visitor.id), "requested")
    assert told["decided_at"] == other.json()["decided_at"]
    seen = await officer.get(path, headers={"Helpr-Min-Position": other.headers["helpr-position"]})
    assert seen.json()["decided_at"] == told["decided_at"]


async def test_whoever_was_forgotten_is_found_page_by_page(world: World) -> None:
    officer = world.agents[Role.COMPLIANCE]
    people = [(await arrived(world.helpr, world.organisation)).id for _ in range(3)]
    for person in people:
        last = await officer.post(f"/v1/visitors/{person}/erasure", json={"reason": "requested"})
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        said = {"Helpr-Min-Position": last.headers["helpr-position"]}
        page = (await officer.get("/v1/erasures", params={"limit": "1"} | after, headers=said)).json()
        seen += [each["visitor"] for each in page["erasures"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [person for person in seen if person in map(str, people)] == [*map(str, reversed(people))]
