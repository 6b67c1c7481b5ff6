"""Write the templates of all words: `python -m inclusion_app.core.extract [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.frontend import CommandLineInterface

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS = ("_l", "N_", "NP_:1c,2", "two", "head:2", "in_english")


# Words of residents, shipped whole in every released language; words of the staff, English first.
TEMPLATES = {"messages.pot": "babel.cfg", "staff.pot": "babel-staff.cfg"}


def main(folder: Path) -> None:
    """Every word of templates, code and data files, in one order, into two templates in this folder."""
    for name, mapping in TEMPLATES.items():
        arguments = ["pybabel", "-q", "extract", "-F", str(ROOT / mapping), "--no-location", "--sort-output"]
        for keyword in KEYWORDS:
            arguments += ["-k", keyword]
        arguments += ["--project=inclusion-app", "-o", str(folder / name), str(ROOT)]
        CommandLineInterface().run(arguments)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "translations")
