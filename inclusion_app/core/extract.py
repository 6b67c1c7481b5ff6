"""Write the template of all words: `python -m inclusion_app.core.extract [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.frontend import CommandLineInterface

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS = ("_l", "N_", "NP_:1c,2", "two", "head:2", "in_english")


def main(target: str) -> None:
    """Every word of templates, code and data files, in one order."""
    arguments = ["pybabel", "-q", "extract", "-F", str(ROOT / "babel.cfg"), "--no-location", "--sort-output"]
    for keyword in KEYWORDS:
        arguments += ["-k", keyword]
    CommandLineInterface().run([*arguments, "--project=inclusion-app", "-o", target, str(ROOT)])  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "translations" / "messages.pot"))
