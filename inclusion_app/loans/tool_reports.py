"""Reading the report of a wiping tool: which machine each line is about, and whether it says that the wipe held. Pure.

Tools write tables of their own (Nwipe, Blancco, ShredOS, an MDM's export), so no column is asked for by one name: of a line
each word that stands on one of our machines counts, and each word that says how it went.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inclusion_app.loans.rules import plain_mark

MOST_LINES = 5_000


def _words(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


# Words of success count only where nothing beside them speaks against it: a tool writes "not yet erased" and "45% done" too,
# and a device that was not wiped must never go on to somebody else. So what is bad is known by the beginnings of its words,
# and what is in doubt proves nothing.
_GOOD = r"(erased|wiped|success(ful(ly)?)?|succeeded|complete(d)?|pass(ed)?(?![- ]?(\d|through))|verified|done|ok)"
GOOD = _words(rf"\b{_GOOD}\b")
# Of what would be bad somebody says that there was none; or it is the number of a thing, or the name of a method (3-pass).
_WRONGS = (
    r"(errors?|fail(ures?|ed)?|warnings?|exceptions?|mismatch(es)?|problems?|issues?|faults?"
    r"|(bad|reallocated|remapped|pending) (sectors?|blocks?))"
)
HARMLESS = _words(
    rf"(?<![\w.,/-])(0|no|zero|without)( any)?( (read|write|verif\w*|media|erasure|erase|wipe|i/?o))?"
    rf" {_WRONGS}\b(?! *[:=]? *[1-9])",
    rf"\b{_WRONGS}( (count|code))? *[:=]? *(0|no|none|nil)\b(?![.,]?\d)",
    r"\b(serial|asset|model|part|item|tag|job|report|disk|drive|device|unit) no\b[.:]?",
    r"(?<![\w.,/-])(\d{1,2}|single|one|two|three|seven|multi(ple)?)[ -]pass\b",
    r"\bstop time\b",
)
BAD = _words(
    r"\b(not?(?!-?\d)|non|never|none|nothing|neither|nor|cannot|without|hardly|barely|false|nok)\b",
    r"\b(is|was|were|are|has|have|had|did|does|do|could|would|should|can|ca|wo|ai|must|need)n['’`]?t\b",
    r"\bun-?(?!its?\b|til\b|der|known|i[qvx]|ion)\w+|\bin-?(complet|success|suffic|valid|accessib)\w*",
    r"\bu?(fail|err\b|error|warn|stop|halt|interrupt|abort|cancel|mismatch|reject|refus|denied|exception|skip|partial"
    r"|insan|corrupt|crash|kill|terminat|paus|suspend|broken|damag|defect|fault|problem|issue|bad\b|wrong|lost\b|missing"
    r"|frozen|disconnect|disabl|fatal|critical|except\b|dry.?run|simulat|pending)\w*",
    r"\btime?d?[ -]?out\w*",
    rf"\b{_GOOD} *[:=] *(0|n|f|x|-)(?!\w)",
)
# It still goes on, or is yet to come.
UNSURE = _words(
    r"\b(waiting|queued|scheduled|planned|in progress|running|start(ed|ing|s)?(?! *(time|at|on|[:=\d]))|beg[iau]n\w*|resum\w+"
    r"|remain\w*|yet|almost|nearly|only|half|to be|to do|will|shall|should|must|needs?|required|expected|attempt\w*"
    r"|retry\w*|tried|trying|before|until|maybe|perhaps|possibly|unknown|probably|n/a"
    r"|(?<![\d.,])0 (sectors?|blocks?|bytes|drives?|disks?|devices?|passes))\b"
)
PERCENT = re.compile(r"(?<!\d)(\d{1,30}(?:[.,]\d{1,30})?) *(?:%|per ?cent\b|pct\b)", re.IGNORECASE)
PART_OF = re.compile(r"(?<![\w/.-])(\d{1,30}) *(?:/|(?:out )?of) *(\d{1,30})(?![\w/-])", re.IGNORECASE)
STATUS = re.compile(r"\b(status|result|outcome|state|erasure state)\b", re.IGNORECASE)
# Other columns that can speak against what the status says, and never for it.
AGAINST = re.compile(
    r"\b(errors?|fail(ures|ed)|warnings?|exceptions?|verif\w*|progress|percent\w*)\b", re.IGNORECASE
)
BLANKS = re.compile(r"[^\S\n]+")
WORD = re.compile(r"[^\s,;|\"'()<>=]+")


@dataclass(frozen=True)
class Line:
    """One line of a report: its number, the marks that may be of a machine, and whether it says that the wipe held."""

    number: int
    marks: tuple[str, ...]
    held: bool | None


def read_report(text: str) -> list[Line]:
    """The lines that name something, in their order. `held` is None where a line says neither."""
    rows = _table(text)
    if rows is None:
        rows = [(number, line, line, "") for number, line in enumerate(text.splitlines()[:MOST_LINES], 1)]
    return [
        Line(number, _marks(line), held(said, beside)) for number, line, said, beside in rows if line.strip()
    ]


def _table(text: str) -> list[tuple[int, str, str, str]] | None:
    """Line number, all cells, those of its status, and those that may speak against it, of a table with a head.

    None for what is no table.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    sign = max(",;\t", key=lines[0].count)
    if not lines[0].count(sign):
        return None
    reader = csv.reader(io.StringIO(text), delimiter=sign)
    found: list[tuple[int, str, str, str]] = []
    status: list[int] | None = None
    against: dict[int, str] = {}
    try:
        for cells in reader:
            if status is None:
                status = [at for at, cell in enumerate(cells) if STATUS.search(cell)]
                if not status:
                    return None
                others = {at: cell for at, cell in enumerate(cells) if at not in status}
                against = {at: cell for at, cell in others.items() if AGAINST.search(cell)}
                continue
            if len(found) >= MOST_LINES:
                break
            said = "\n".join(cells[at] for at in status if at < len(cells))
            beside = [
                f"{head}: {cells[at]}"
                for at, head in against.items()
                if at < len(cells) and cells[at].strip()
            ]
            found.append((reader.line_num, "\n".join(cells), said, "\n".join(beside)))
    except csv.Error:
        return None
    return found


def _marks(line: str) -> tuple[str, ...]:
    """Each word, each cell, and each part of a word that a stroke divides (a model and its serial number)."""
    words = [*line.split("\n"), *WORD.findall(line)]
    words += [part for word in WORD.findall(line) for part in re.split(r"[/:]", word)]
    marks = (plain_mark(word).strip(".:") for word in words)
    return tuple(dict.fromkeys(mark for mark in marks if 3 <= len(mark) <= 40))


def held(said: str, beside: str = "") -> bool | None:
    """Whether words of a tool say that a wipe held; None when they do not say so, or leave a doubt.

    `beside` is what stands in other columns: it may speak against it, and never for it.
    """
    said, both = (_plain(text) for text in (said, f"{said}\n{beside}"))
    if BAD.search(both):
        return False
    parts = [int(one) < int(all_of) for one, all_of in PART_OF.findall(both)]
    shares = [float(share.replace(",", ".")) != 100 for share in PERCENT.findall(both)]
    if UNSURE.search(both) or any(parts) or any(shares):
        return None
    return True if GOOD.search(said) else None


def _plain(text: str) -> str:
    # One blank between words: a long stretch of them would be looked through again and again.
    return HARMLESS.sub(" ", BLANKS.sub(" ", unicodedata.normalize("NFKC", text)))


def matched(
    lines: Sequence[Line], known: Mapping[str, int]
) -> tuple[dict[int, tuple[int, bool | None]], list[Line]]:
    """Units by number with the line that names each and what it says, and the lines that name none of ours.

    `known` maps marks to units. A unit that several lines name was wiped only if none of them says that it failed. A line
    that names two of ours proves of neither that it was wiped: one may stand in the other's comment.
    """
    found: dict[int, tuple[int, bool | None]] = {}
    unknown: list[Line] = []
    for line in lines:
        units = {known[mark] for mark in line.marks if mark in known}
        if not units:
            if line.held is not None:
                unknown.append(line)
            continue
        said = line.held if len(units) == 1 or line.held is False else None
        for unit in units:
            before = found.get(unit)
            says = [said] if before is None else [before[1], said]
            held = False if False in says else (True if True in says else None)
            found[unit] = (line.number if before is None else before[0], held)
    return found, unknown
