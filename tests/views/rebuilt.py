"""One view, rebuilt."""

from infrastructure.views.generations import Generation, Owner
from infrastructure.views.rebuilding import Progress, rebuild_all
from projections.view import View


def rebuild(owner: Owner, view: View, *, progress: Progress = lambda view, done, total: None) -> Generation:
    """As ``rebuild_all`` does it."""
    (generation,) = rebuild_all(owner, [view], progress=progress)
    return generation
