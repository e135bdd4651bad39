"""What the crowd of the demo says.

In a checkout whose parent has it, ``shared/data/conversations.jsonl``: dialogues of the Taskmaster-4 data set by Google
Research (CC BY 4.0), cut to who says what. HELPR_DEMO_DATA names another file of that form. Where there is none, a
few dialogues of our own writing.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.run.demo.story import Dialogue

HERE = Path(__file__).parent
SHARED = HERE.parents[3] / "shared" / "data" / "conversations.jsonl"
OURS = HERE / "samples" / "kettles.jsonl"


class DialoguesAreUnreadable(Exception):
    """The file with the demo's dialogues is not there or not of its form; the message says where it is wrong."""


def file_of_dialogues(environment: Mapping[str, str] = os.environ) -> tuple[Path, str]:
    """Where the dialogues are, and whom they are from."""
    if named := environment.get("HELPR_DEMO_DATA"):
        return Path(named), f"from {named}"
    if SHARED.is_file():
        return SHARED, "from Taskmaster-4 by Google Research, CC BY 4.0"
    return OURS, "written for this shop"


def read_dialogues(file: Path) -> list[Dialogue]:
    """One a line; raises DialoguesAreUnreadable."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise DialoguesAreUnreadable(f"The demo's dialogues cannot be read: {error}.") from None
    decode = msgspec.json.Decoder(Dialogue).decode
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            dialogue = decode(line)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise DialoguesAreUnreadable(f"Line {number} of {file} is not a dialogue: {error}.") from None
        if not dialogue.messages or dialogue.messages[0].side != "visitor":
            raise DialoguesAreUnreadable(f"Line {number} of {file} does not begin with a visitor.")
        found.append(dialogue)
    return found
