"""Being forgotten."""

from domain.shared.event import Facts
from domain.visitors.arrival import VisitorIsUnknown
from domain.visitors.events import VisitorForgotten
from domain.visitors.visitor import Visitor


def forget(visitor: Visitor) -> Facts:
    """Whoever comes back is somebody new. Nothing happens if it is so already."""
    if visitor.id is None:
        raise VisitorIsUnknown
    return () if visitor.is_forgotten else VisitorForgotten(visitor=visitor.id)
