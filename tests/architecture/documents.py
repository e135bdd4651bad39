"""The pages that are made from the code. One command makes them all anew:

python -m tests.architecture.documents --write
"""

import sys
from collections.abc import Callable

from tests.architecture import catalogue, coverage, glossary, picture
from tests.architecture.sources import ROOT

PAGES: dict[str, Callable[[], str]] = {
    "docs/architecture.md": picture.page,
    "docs/events.md": catalogue.page,
    "docs/glossary.md": glossary.page,
    "README.md": coverage.readme,
}


def made(path: str) -> str:
    """A page as it should stand today."""
    return PAGES[path]().rstrip() + "\n"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for path in PAGES:
        (ROOT / path).write_text(made(path))
