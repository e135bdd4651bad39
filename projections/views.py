"""All views there are."""

from projections.accounts import agents
from projections.compliance import audit, erasures
from projections.conversations import inbox, thread
from projections.usage import daily
from projections.view import View
from projections.visitors import directory

ALL: tuple[View, ...] = (inbox, thread, directory, agents, audit, erasures, daily)
