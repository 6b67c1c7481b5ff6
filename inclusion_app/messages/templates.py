"""Every message there is: for whom, by which channels, and its words in the reader's language.

Words are whole sentences; facts stand in named places of them, a link and an answer on lines of their own. A subject
has no place for a fact, and a text message none of a person: both are read by whoever looks at the phone. When a session
begins is no such fact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext

from inclusion_app.core import i18n
from inclusion_app.core.i18n import Language
from inclusion_app.core.paper_parts import Pair, direction_of
from inclusion_app.core.words import N_
from inclusion_app.messages.rules import CHANNELS
from inclusion_app.people.rules import LINK_LIFE

# Facts that stand on a line of their own and in no sentence.
LINK, WORDS = "link", "words"
ORGANISATION = "organisation"
MOMENTS = frozenset({"when", "before", "until", "time"})  # instants, said in words of the reader's language
TIME = "time"  # of which the day is known
DATES = "dates"  # several moments, with spaces between
RIGHT_TO_LEFT = "\u200f"  # the first sign of a line decides its direction in a mail program
NO_ANSWERS = N_("Nobody reads answers to this message.")


class BadMessage(ValueError):
    """A room asked for a message that does not exist, or without a fact it needs. Says which; carries no fact."""


@dataclass(frozen=True)
class MessageTemplate:
    """One message. `lines` are the paragraphs of e-mail, letter and call; one whose facts were not given is left out.

    `sms` is shorter and says nothing of the person. `useful_for` is how long it makes sense. With `words_by_email`
    typed words stand in an e-mail even when a link leads to them: nothing in them is of a person.
    `typed` are facts that somebody wrote: they may name the service, so the message `unsaid` goes without them to whom
    nothing may name it.
    """

    name: str
    audience: str  # "staff" or "resident"
    subject: str
    lines: tuple[str, ...]
    sms: str = ""
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    channels: tuple[str, ...] = CHANNELS
    useful_for: timedelta | None = None
    words_by_email: bool = False
    typed: tuple[str, ...] = ()
    unsaid: str = ""

    def check(self, params: Mapping[str, str]) -> None:
        """Raises BadMessage when a fact is missing, is none of this message, or is no text."""
        missing = [name for name in self.needs if not params.get(name)]
        if self.one_of and not any(params.get(name) for name in self.one_of):
            missing.append(" or ".join(self.one_of))
        strange = [name for name in params if name not in {*self.needs, *self.may, *self.one_of}]
        wrong = [name for name, value in params.items() if not isinstance(value, str)]
        if missing or strange or wrong:
            raise BadMessage(f"{self.name}: missing {missing}, not known {strange}, no text {wrong}")


@dataclass(frozen=True)
class Text:
    """A finished message. `body` has its lines; nothing in it is markup."""

    subject: str
    body: str


RESIDENT_TEMPLATES = (
    MessageTemplate(
        "resident_link",
        "resident",
        N_("Your link"),
        (
            N_("You asked for a link to your plan."),
            N_("Open it and press the button. It works once, for %(minutes)s minutes."),
            N_("Did you not ask for it? Then do nothing."),
        ),
        sms=N_("You asked for a link to your plan. It works once, for %(minutes)s minutes."),
        needs=("link", "minutes"),
        # A letter comes too late, and nobody should hear or carry it.
        channels=("email", "sms"),
        useful_for=LINK_LIFE,
    ),
    MessageTemplate(
        "resident_new_code",
        "resident",
        N_("Your code has changed"),
        (
            N_("Your plan has a new code since %(day)s."),
            N_("The old code does not work any more."),
            N_("Was that not you? Ask a helper at once."),
        ),
        sms=N_("Your code has changed. Was that not you? Ask a helper at once."),
        needs=("day",),
    ),
    MessageTemplate(
        "feedback_answered",
        "resident",
        N_("You have an answer"),
        (
            N_("You have an answer to what you told us."),
            N_("It is from %(organisation)s."),
            N_("You can read it on “What we hold about you” too."),
        ),
        sms=N_("You have an answer to what you told us. Look at “What we hold about you”."),
        may=("organisation",),
        one_of=("link", "words"),
    ),
    MessageTemplate(
        "request_done",
        "resident",
        N_("What you asked for is ready"),
        (
            N_("You asked about the facts we keep of you. We have done it."),
            N_("Look at “What we hold about you”, or ask the person who helps you."),
        ),
        sms=N_("What you asked for is ready. Look at “What we hold about you”."),
        may=("link",),
    ),
    MessageTemplate(
        "consent_recorded",
        "resident",
        N_("What you share has changed"),
        (
            N_("You share facts with %(organisation)s now."),
            N_("“What we hold about you” shows what you share, and until when."),
            N_("You can stop it there at any time."),
        ),
        sms=N_("What you share has changed. Look at “What we hold about you”."),
        needs=("organisation",),
        may=("link",),
    ),
    MessageTemplate(
        "restricted_changed",
        "resident",
        N_("Your record has changed"),
        (
            N_("You asked us to change who may see your record. It is done."),
            N_("Was that not you? Tell the person who helps you."),
        ),
        sms=N_("You asked us to change your record. It is done."),
        may=("link",),
    ),
)  # fmt: skip

_templates: dict[str, MessageTemplate] = {}


def add(templates: Iterable[MessageTemplate]) -> None:
    """Make these messages known; once by name."""
    _templates.update({template.name: template for template in templates})


add(RESIDENT_TEMPLATES)


def template_of(name: str) -> MessageTemplate:
    """The message of this name. Raises BadMessage for one that does not exist."""
    try:
        return _templates[name]
    except KeyError:
        raise BadMessage(f"there is no message {name!r}") from None


def every_template() -> Collection[MessageTemplate]:
    """All messages there are."""
    return _templates.values()


def write(
    template: MessageTemplate,
    params: Mapping[str, str],
    *,
    language: Language,
    channel: str,
    service_name: str | None,
) -> Text:
    """The finished words by e-mail or text message. `service_name` is None for whom no message may name it."""
    if service_name is None:
        template, params = discreet(template, params)
    with i18n.speaking(language):
        signature = [i18n.translated(service_name)] if service_name else []
        if channel == "sms":
            words = [_sentence(template.sms, params, language)]
            parts = [*(_directed(text, language) for text in (*signature, *words))]
            return Text("", "\n".join([*parts, *([params[LINK]] if params.get(LINK) else [])]))
        typed = params.get(WORDS)
        parts = [
            text if text == typed and direction_of(text) == "ltr" else _directed(text, language)
            for text in _paragraphs(template, params, language)
        ]
        # Alone on its line and without signs around it, or programs make them part of the address.
        parts += [params[LINK]] if params.get(LINK) else []
        parts += [_directed(text, language) for text in (gettext(NO_ANSWERS), *signature)]
        return Text(gettext(template.subject), "\n\n".join(parts) + "\n")


def lines_in_both(template: MessageTemplate, params: Mapping[str, str], language: Language) -> list[Pair]:
    """The paragraphs for a letter or a call: in the person's language beside English."""
    with i18n.speaking(language):
        own = _paragraphs(template, params, language, plain=True)
    with i18n.speaking(i18n.ENGLISH):
        english = _paragraphs(template, params, i18n.ENGLISH, plain=True)
    return [Pair(mine, theirs) for mine, theirs in zip(own, english, strict=True)]


def subject_in_both(template: MessageTemplate, language: Language) -> Pair:
    """The heading of a letter."""
    with i18n.speaking(language):
        return Pair(gettext(template.subject), template.subject)


def discreet(template: MessageTemplate, params: Mapping[str, str]) -> tuple[MessageTemplate, dict[str, str]]:
    """What is said to whom nothing may name the service: neither the organisation, whose name may tell as much, nor
    what somebody typed, who did not think of them.
    """
    unsaid = {ORGANISATION, *template.typed}
    if any(params.get(name) for name in template.typed):
        template = template_of(template.unsaid)
    return template, {name: value for name, value in params.items() if name not in unsaid}


def names_service(params: Mapping[str, str]) -> bool:
    """True when the words must name the service: the address in a link does."""
    return bool(params.get(LINK))


def _paragraphs(
    template: MessageTemplate, params: Mapping[str, str], language: Language, *, plain: bool = False
) -> list[str]:
    found = [_sentence(line, params, language, plain=plain) for line in template.lines if _fits(line, params)]
    # An answer is read from paper or said by a person; by wire a link leads to it, where there is one.
    if params.get(WORDS) and (plain or template.words_by_email or not params.get(LINK)):
        found.insert(1, params[WORDS])
    return found


def _fits(line: str, params: Mapping[str, str]) -> bool:
    """True when every fact the sentence has a place for was given."""
    try:
        return bool(line % params)
    except KeyError:
        return False


def _sentence(line: str, params: Mapping[str, str], language: Language, *, plain: bool = False) -> str:
    facts = {name: _said(name, value) for name, value in params.items()}
    if language.dir == "rtl" and not plain:
        facts = {name: f"{i18n.ISOLATE}{value}{i18n.END_ISOLATE}" for name, value in facts.items()}
    return gettext(line, **facts)


def _said(name: str, value: str) -> str:
    """A day, a moment, several of them or a time in words of the language spoken now; everything else as it is."""
    if name == "day":
        try:
            return i18n.day_words(date.fromisoformat(value))
        except ValueError:
            return value
    if name == DATES:
        between = "؛ " if i18n.current_language().dir == "rtl" else "; "
        return between.join(_moment_words(one) for one in value.split())
    return _moment_words(value, name) if name in MOMENTS else value


def _moment_words(value: str, name: str = "") -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    wall = i18n.local(moment) if moment.tzinfo else moment
    if name == TIME:
        return i18n.clock_words(wall.time())
    comma = "،" if i18n.current_language().dir == "rtl" else ","
    return f"{i18n.day_words(wall.date())}{comma} {i18n.clock_words(wall.time())}"


def _directed(text: str, language: Language) -> str:
    """Each line begins with a sign that gives it the language's direction; none where that is left to right."""
    if language.dir != "rtl":
        return text
    return "\n".join(f"{RIGHT_TO_LEFT}{line}" for line in text.split("\n"))
