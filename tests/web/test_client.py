"""What the pages believe of the API is what the API says of itself."""

import json
from pathlib import Path

from api.main import description
from api.web.build import WEB, run

DESCRIPTION = Path(WEB, "openapi.json")


def test_the_pages_know_the_api_as_it_is() -> None:
    now = json.dumps(description(), indent=2, sort_keys=True) + "\n"
    assert DESCRIPTION.read_text() == now, "Run: helpr openapi > api/web/openapi.json; python api/web/build.py client"


def test_the_types_of_the_api_are_made_from_its_description() -> None:
    run("client", "--check")
