"""One text that holds a sentence twice, and the page that shows both. Pure.

The translation lookup folds the reader's words and the English into one text with three private-use signs. It goes
through formatting and escaping as one piece, so that both halves get the same facts; `unfold` takes it apart when the
page is done. Folds may nest (a title in a sentence) and may hold tags such as `<bdi>`.
"""

from __future__ import annotations

import re

OPEN, MIDDLE, SHUT = SIGNS = "\ue000", "\ue001", "\ue002"
_SIGN = re.compile(f"([{''.join(SIGNS)}])")
# What stays in the reader's language alone: attributes, and where HTML allows no element or nobody sees the words.
_APART = re.compile(
    r"<!--.*?-->"
    r"|<(?P<whole>title|option|textarea|script|style|svg)\b[^>]*>.*?</(?P=whole)\s*>"
    r'|<(?P<unseen>\w+) class="visually-hidden"[^>]*>.*?</(?P=unseen)>'
    r"|(?P<name><bdi\b[^>]*>[^<]*</bdi>)"
    r"|<[^>]*>"
    f"|[{''.join(SIGNS)}]",
    re.S,
)
# Where a sentence ends and another one follows: after its mark, and a name set apart that may end it.
_SENTENCE_END = re.compile(r"(?<=[.?!؟۔。])\s+")
# What a line may fill without a wrapper of its own: it flows there in any style of ours.
_FILLED = re.compile(r"<(p|li|a|h[1-3]|d[dt]|t[dh])\b")


def fold(own: str, english: str) -> str:
    """Both as one text; only the one where they are the same."""
    return own if own == english else f"{OPEN}{own}{MIDDLE}{english}{SHUT}"


def is_folded(text: str) -> bool:
    """True when a sign is left in it."""
    return _SIGN.search(text) is not None


def without_signs(text: str) -> str:
    """The text without the three signs: what somebody typed cannot pass for a sentence of ours."""
    return _SIGN.sub("", text)


def halves(text: str) -> tuple[str, str]:
    """The text in the reader's language, and the same text in English.

    With a sign whose partner is missing, all of it in both.
    """
    groups: list[tuple[list[str], list[str]]] = [([], [])]
    in_english: list[bool] = []

    def put(own: str, english: str) -> None:
        if not in_english:
            groups[0][0].append(own)
            groups[0][1].append(english)
        else:
            groups[-1][in_english[-1]].append(english if in_english[-1] else own)

    def close() -> None:
        own, english = groups.pop()
        in_english.pop()
        put("".join(own), "".join(english))

    for piece in _SIGN.split(text):
        if piece == OPEN:
            groups.append(([], []))
            in_english.append(False)
        elif piece == MIDDLE:
            if in_english:
                in_english[-1] = True
        elif piece == SHUT:
            if in_english:
                close()
        else:
            put(piece, piece)
    if in_english:
        # A sign whose partner never came must not take the rest of the page into one half.
        plain = without_signs(text)
        return plain, plain
    return "".join(groups[0][0]), "".join(groups[0][1])


def own_half(text: str) -> str:
    """The text in the reader's language alone."""
    return halves(text)[0]


def unfold(html: str) -> str:
    """The page with the English under each sentence that has folds; the reader's language alone where it must be.

    A line is what stands between two tags, names and numbers set apart by `<bdi>` included. All its words are said
    again in English, so that "Bring: a pen" is not answered by "Bring:" alone; sentence by sentence where both
    languages have as many of them.
    """
    page: list[str] = []
    line: list[str] = []
    depth = end = 0
    tag = ""

    def flush() -> bool:
        text = "".join(line)
        line.clear()
        page.append(_both_lines(text, wrapped=not _FILLED.match(tag)) if is_folded(text) else text)
        return is_folded(text)

    for found in _APART.finditer(html):
        line.append(html[end : found.start()])
        end, token = found.end(), found[0]
        if found["name"]:
            line.append(token)
        elif token in SIGNS:
            depth = max(depth + (token == OPEN) - (token == SHUT), 0)
            line.append(token)
        elif depth:
            line.append(own_half(token))
        else:
            # The English stands on a line of its own: the line is broken already.
            if not (flush() and token.startswith("<br")):
                page.append(own_half(token))
            tag = token
    line.append(html[end:])
    flush()
    return "".join(page)


def _both_lines(text: str, *, wrapped: bool) -> str:
    own, english = halves(text)
    said, in_english = own.strip(), english.strip()
    if said == in_english:
        return own
    start = own.index(said)
    both = " ".join(
        mine if mine == theirs else f'{mine}<span class="in-english" lang="en" dir="ltr">{theirs}</span>'
        for mine, theirs in _sentences(said, in_english)
    )
    if wrapped:
        # One piece, so that both stand together where a style puts what it finds side by side.
        both = f"<span>{both}</span>"
    return f"{own[:start]}{both}{own[start + len(said) :]}"


def _sentences(own: str, english: str) -> list[tuple[str, str]]:
    """The sentences of a line with their English, one by one; the whole line where they do not match each other."""
    mine, theirs = _SENTENCE_END.split(own), _SENTENCE_END.split(english)
    if len(mine) != len(theirs) or any(
        part.count("<bdi") != part.count("</bdi") for part in (*mine, *theirs)
    ):
        return [(own, english)]
    return list(zip(mine, theirs, strict=True))
