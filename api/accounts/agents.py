"""The colleagues of an organisation, over HTTP."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from api.accounts.signing_in import AgentShown
from api.asking import page
from api.caller import Caller
from api.opening import is_damaged, opened, shown
from application.ports import Keyring
from projections.accounts import agents
from projections.view import Reads


class Agents(msgspec.Struct, frozen=True):
    agents: list[AgentShown]


@get("/agents", operation_id="listAgents")
async def list_agents(
    caller: NamedDependency[Caller],
    reads: NamedDependency[Reads],
    keyring: NamedDependency[Keyring],
    at_least: NamedDependency[int],
) -> Response[Agents]:
    """Everybody who works for the organisation."""
    position = reads.position(caller.tenant, agents.NAME)
    async with reads(caller.tenant, agents.NAME, at_least=at_least) as db:
        found = await agents.agents(db, caller.tenant)
    words = await opened(keyring, caller.tenant, [field for agent in found for field in (agent.name, agent.email)])
    listed = [
        AgentShown(agent.id, shown(name), shown(email), agent.role, is_damaged(name) or is_damaged(email))
        for agent, name, email in zip(found, words[::2], words[1::2], strict=True)
    ]
    return page(Agents(listed), position)
