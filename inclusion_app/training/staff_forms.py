"""Forms of the organiser: a course and its words, a session, one date of it, a message, a booking by phone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, time
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import ValidationError

from inclusion_app.core import i18n
from inclusion_app.core.clock import now
from inclusion_app.core.codes import plain_digits
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, DayField, OnceForm, lines_of, one_line
from inclusion_app.people import contact
from inclusion_app.people import rules as people_rules
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, number_of, words_of
from inclusion_app.people.staff_fields import CountField, LineField, NumberFromList
from inclusion_app.people.staff_words import NO_NUMBER, TOO_LONG
from inclusion_app.places.models import Place
from inclusion_app.training import rules
from inclusion_app.training import staff_words as words
from inclusion_app.training.models import Course, Occurrence
from inclusion_app.training.services import sessions
from inclusion_app.training.services.changes import NOTICES, When
from inclusion_app.training.services.sessions import CourseFacts, CourseWords, Dates, SessionFacts

CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)")
WHOLE = re.compile(r"\d{1,4}")
NOTICE_LENGTH = {"training_bring": 120, "training_words": 400}
LATEST_MINUTES = 120


class ClockField(StringField):
    """A time on the wall, like 9:30 or 14.00; anything else, or nothing, is refused with `wrong`."""

    wall: time | None = None

    def __init__(self, label: Any, *, wrong: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.wrong = wrong

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Read what was typed."""
        typed = plain_digits(self.data or "").strip()[:10]
        found = CLOCK.fullmatch(typed)
        if not found:
            raise ValidationError(_l(self.wrong))
        self.wall = time(int(found[1]), int(found[2]))


def _paragraph(field: Any, longest: int) -> None:
    field.data = "\n".join(lines_of(field.data, longest * 4))
    if len(field.data) > longest:
        raise ValidationError(_l(TOO_LONG))


def languages_taught() -> list[tuple[str, str]]:
    """The languages a session may be taught in: those the service speaks, and others of the city; the most used first."""
    from babel import Locale

    named = Locale("en").languages
    codes = dict.fromkeys(["en", *(code for code in people_rules.LANGUAGES if len(code) <= 8)])
    said = {"bfi": "British Sign Language"}
    first, *rest = [(code, said.get(code) or str(named.get(code, code))) for code in codes]
    return [first, *sorted(rest, key=lambda one: one[1])]


class WholeForm(BaseForm):
    """A form that says all its faults in one go, each at its field and none twice."""

    def faults(self) -> Iterator[RuleBroken]:
        """What no field can say by itself."""
        yield from ()

    def validate(self, extra_validators: Any = None) -> bool:
        """Judge each field, then all of them together."""
        good = super().validate(extra_validators)
        for fault in self.faults():
            good = False
            if not self[fault.field].errors:
                self.refuse(fault)
        return good


# --- courses


class WordsForm(BaseForm):
    """The words of a course in one language."""

    title = LineField(_l("Title"), longest=80, needed=True)
    summary = TextAreaField(_l("What people learn"))
    bring = LineField(_l("What to bring"), longest=200)

    def validate_summary(self, field: Any) -> None:
        """A few short paragraphs."""
        _paragraph(field, 600)

    def words(self) -> CourseWords:
        """What was typed."""
        return CourseWords(self.title.data or "", self.summary.data or "", self.bring.data or "")


class TranslationForm(WordsForm):
    """The same in another language, and whether somebody who reads it has checked it."""

    state = OneOf(_l("How far is it?"), choices=[])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state.choices = words_of(words.WORDS_STATES)


class CourseForm(OnceForm, WordsForm):
    """What is taught, in English words."""

    kind = FromList(_l("Kind of course"), choices=[])
    area = FromList(_l("Area"), choices=[])
    level = FromList(_l("Level"), choices=[])
    steps = StringField(_l("Steps of the plan it helps with"))
    comes_after = FromList(_l("What people should do before"), choices=[])

    def __init__(self, *args: Any, courses: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = words_of(rules.KINDS)
        self.area.choices = words_of(words.AREAS)
        self.level.choices = words_of(words.LEVELS)
        self.comes_after.choices = [("", _l("Nothing")), *((str(number), title) for number, title in courses)]

    def facts(self) -> CourseFacts:
        """What was chosen."""
        typed = re.split(r"[\s,;]+", plain_digits(self.steps.data or "")[:200].strip().upper())
        return CourseFacts(
            self.kind.data, self.area.data, int(self.level.data),
            tuple(dict.fromkeys(step for step in typed if step)),
            number_of(self.comes_after.data) if self.comes_after.data else None,
        )  # fmt: skip

    def show(self, course: Course) -> None:
        """Fill in what is known."""
        self.kind.data, self.area.data, self.level.data = course.kind, course.area, str(course.level)
        self.steps.data = course.steps
        self.comes_after.data = str(course.comes_after_id or "")
        for text in course.texts:
            if text.language == "en":
                self.title.data, self.summary.data, self.bring.data = text.title, text.summary, text.bring


# --- where and when


class PlaceFields(WholeForm):
    """A place by a part of its name; where several fit, one of them is chosen."""

    place = StringField(_l("Name of the place"))
    place_id = NumberFromList(_l("Which of these places?"), choices=[])

    # What was found by the name, to choose from.
    found: Sequence[Place] = ()

    def faults(self) -> Iterator[RuleBroken]:
        """A name nobody knows, or one of several places."""
        yield from super().faults()
        try:
            self.chosen_place()
        except RuleBroken as broken:
            yield broken

    def offer_places(self, found: Sequence[Place]) -> None:
        """Offer what was found by the name that was typed."""
        self.found = found
        self.place_id.choices = [
            (0, _l("Another place")),
            *((row.id, f"{row.name}, {row.address}") for row in found),
        ]
        if self.place_id.data not in {row.id for row in found}:
            self.place_id.data = 0

    def show_place(self, place: Place | None) -> None:
        """Fill in a place that is known."""
        self.place.data = place.name if place else ""
        if place is not None:
            self.offer_places([place])
            self.place_id.data = place.id

    def chosen_place(self) -> int | None:
        """The place, or None when nothing was typed. Raises RuleBroken for none and for several."""
        typed = one_line(self.place.data)
        if not typed:
            return None
        if not self.found:
            raise RuleBroken(words.NO_PLACE_FOUND, field="place")
        if self.place_id.data:
            return int(self.place_id.data)
        if len(self.found) > 1:
            raise RuleBroken(words.CHOOSE_PLACE, field="place")
        return self.found[0].id


def day_and_times(day: DayField, begins: ClockField, ends: ClockField) -> tuple[date, time, time]:
    """What was typed. Raises RuleBroken at the field for a day or time that is missing."""
    if day.data is None:
        raise RuleBroken(words.NO_DAY, field=day.name)
    if begins.wall is None or ends.wall is None:
        late = begins if begins.wall is None else ends
        raise RuleBroken(late.wrong, field=late.name)
    return day.data, begins.wall, ends.wall


def when_faults(day: DayField, begins: ClockField, ends: ClockField) -> Iterator[RuleBroken]:
    """A day that is missing, and all that no date can be."""
    if day.data is None:
        yield RuleBroken(words.NO_DAY, field=day.name)
    yield from sessions.when_faults(day.data, begins.wall, ends.wall, now(), field=day.name)


class WhenFields(WholeForm):
    """A first date with its wall times, and how often it comes again."""

    first = DayField(_l("First date"), wrong=_l(words.NO_DAY))
    begins = ClockField(_l("Begins at"), wrong=words.NO_BEGIN)
    ends = ClockField(_l("Ends at"), wrong=words.NO_END)
    every = FromList(_l("How often"), choices=[])
    times = CountField(_l("How many dates"), least=1, most=rules.DATES_AT_MOST, default="1")
    seen = StringField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.every.choices = words_of(words.WHOLE_WEEKS)

    def faults(self) -> Iterator[RuleBroken]:
        """No day, or one that cannot be."""
        yield from super().faults()
        yield from when_faults(self.first, self.begins, self.ends)

    def dates(self) -> Dates:
        """What was typed. Raises RuleBroken at the field for a day or time that is missing."""
        return Dates(
            *day_and_times(self.first, self.begins, self.ends), int(self.every.data), self.times.count
        )


class AddDatesForm(OnceForm, WhenFields):
    """More dates of a series or a course."""


class SharedFields(PlaceFields):
    """What all dates of a session have in common."""

    course = NumberFromList(_l("Course"), choices=[])
    is_online = BooleanField(_l("It is online"))
    joining = TextAreaField(_l("How to join online"))
    room = LineField(_l("Room"), longest=80)
    taught_in = FromList(_l("Language it is taught in"), choices=[])
    for_age = FromList(_l("For whom"), choices=[])
    offers = AnyOf(_l("What it offers by itself"), choices=[])
    lead_days = CountField(
        _l("Days you need to arrange an interpreter and the like"), least=0, most=60, default="7"
    )
    led_by = LineField(_l("Who leads it"), longest=80)
    responsible_adult = LineField(_l("Adult who answers for young people who come alone"), longest=80)
    phone = StringField(_l("Phone number for questions"))
    capacity = CountField(_l("Places on each date"), least=1, most=500, default="8")
    companion_cap = CountField(
        _l("Places for people who come along, on each date"), least=0, most=100, default="2"
    )
    waiting_size = CountField(_l("Places on the waiting list"), least=0, most=500, default="10")
    party_size = CountField(
        _l("As many as one booking may be for"), least=1, most=rules.PLACES_AT_MOST, default="6"
    )

    def __init__(self, *args: Any, courses: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.course.choices = [(0, _l("Choose a course")), *courses]
        self.taught_in.choices = languages_taught()
        self.for_age.choices = words_of(rules.FOR_AGE)
        self.offers.choices = words_of(rules.OFFERS)

    # What has no date yet needs no place.
    may_be_nowhere = False

    def validate_joining(self, field: Any) -> None:
        """Only whoever is booked reads this."""
        _paragraph(field, 300)

    def faults(self) -> Iterator[RuleBroken]:
        """No course, nowhere to go, or a number nobody can phone."""
        yield from super().faults()
        if not self.course.data:
            yield RuleBroken(words.OWN_COURSE, field="course")
        if not one_line(self.place.data) and not self.is_online.data and not self.may_be_nowhere:
            yield RuleBroken(words.NEEDS_PLACE, field="place")
        try:
            self.read_phone()
        except RuleBroken as broken:
            yield broken

    def read_phone(self) -> str:
        """The number as people read it; nothing where none was typed. Raises RuleBroken at its field."""
        phone = (self.phone.data or "").strip()
        return contact.show_value("call", contact.read_phone(phone, field="phone")) if phone else ""

    def facts(self) -> SessionFacts:
        """What was typed. Raises RuleBroken at the place or the phone number."""
        return SessionFacts(
            place_id=self.chosen_place(), is_online=bool(self.is_online.data), joining=self.joining.data or "",
            room=self.room.data or "", taught_in=self.taught_in.data, offers=" ".join(self.offers.data or ()),
            lead_days=self.lead_days.count, for_age=self.for_age.data, led_by=self.led_by.data or "",
            responsible_adult=self.responsible_adult.data or "",
            phone=self.read_phone(),
            capacity=self.capacity.count, companion_cap=self.companion_cap.count,
            waiting_size=self.waiting_size.count, party_size=self.party_size.count,
        )  # fmt: skip

    def show(self, facts: SessionFacts, course_id: int, place: Place | None) -> None:
        """Fill in what is known."""
        self.course.data = course_id
        for name in (
            "is_online",
            "joining",
            "room",
            "taught_in",
            "for_age",
            "led_by",
            "responsible_adult",
            "phone",
        ):
            self[name].data = getattr(facts, name)
        for name in ("lead_days", "capacity", "companion_cap", "waiting_size", "party_size"):
            self[name].data = str(getattr(facts, name))
        self.offers.data = facts.offers.split()
        self.show_place(place)


class NewSessionForm(OnceForm, SharedFields, WhenFields):
    """A whole session with its dates."""

    booked_as = OneOf(_l("How it is booked"), choices=[], default="single")

    _fields: dict[str, Any]
    # As the page asks, so that its faults are named from the top down.
    asked_first = ("booked_as", "first", "begins", "ends", "times", "every", "course")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fields = {name: self._fields[name] for name in (*self.asked_first, *self._fields)}
        self.booked_as.choices = words_of(rules.BOOKED_AS)

    @property
    def is_undated(self) -> bool:
        """True when it asks first who would come."""
        return bool(self.booked_as.data == "undated")

    def faults(self) -> Iterator[RuleBroken]:
        """One date has no weekly pattern."""
        self.may_be_nowhere = self.is_undated
        yield from super().faults()
        if self.booked_as.data == "single" and self.times.count > 1:
            yield RuleBroken(words.MANY_DATES, field="times")

    def validate(self, extra_validators: Any = None) -> bool:
        """A session without a date needs no times."""
        good = super().validate(extra_validators)
        if self.is_undated:
            for name in ("first", "begins", "ends", "times"):
                self[name].errors = []
            return not any(field.errors for field in self)
        return good


class EditSessionForm(SharedFields):
    """Change what all dates have in common."""


class SetDateForm(OnceForm, PlaceFields):
    """A date for a session that had none."""

    first = DayField(_l("Date"), wrong=_l(words.NO_DAY))
    begins = ClockField(_l("Begins at"), wrong=words.NO_BEGIN)
    ends = ClockField(_l("Ends at"), wrong=words.NO_END)
    capacity = CountField(_l("Places"), least=1, most=500)

    def faults(self) -> Iterator[RuleBroken]:
        """No day, or one that cannot be."""
        yield from super().faults()
        yield from when_faults(self.first, self.begins, self.ends)

    def dates(self) -> Dates:
        """What was typed. Raises RuleBroken at the field for a day or time that is missing."""
        return Dates(*day_and_times(self.first, self.begins, self.ends))


# --- one date


class SeenForm(BaseForm):
    """A change of something as it was seen: whoever comes second is told so."""

    sequence = StringField()

    def seen(self) -> int:
        """The number the page was drawn with; one that is none fits nothing."""
        typed = self.sequence.data or ""
        return int(typed) if WHOLE.fullmatch(typed) else -1


class LaterForm(SeenForm):
    """A change of one date, or of that one and all later ones; `seen_dates` marks those as the page showed them."""

    which = OneOf(_l("Which dates?"), choices=[], default="one")
    seen_dates = StringField()

    def __init__(self, *args: Any, has_later: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.which.choices = words_of(words.ONE_OR_LATER)
        self.offer_later(has_later)

    def offer_later(self, has_later: bool) -> None:
        """Where no later date is to come, it is about this one alone."""
        self.has_later = has_later
        if not has_later or not self.which.data:
            self.which.data = "one"

    @property
    def and_later(self) -> bool:
        """All later dates too."""
        return bool(self.which.data == "later")


class MoveForm(LaterForm, PlaceFields):
    """Another day, time, place or room."""

    day = DayField(_l("Day"), wrong=_l(words.NO_DAY))
    begins = ClockField(_l("Begins at"), wrong=words.NO_BEGIN)
    ends = ClockField(_l("Ends at"), wrong=words.NO_END)
    room = LineField(_l("Room"), longest=80)
    is_sure = BooleanField(_l("Move it and tell everybody"))

    def faults(self) -> Iterator[RuleBroken]:
        """No day, or one that cannot be."""
        yield from super().faults()
        yield from when_faults(self.day, self.begins, self.ends)

    def when(self) -> When:
        """What was typed. Raises RuleBroken at the field of what is missing."""
        return When(
            *day_and_times(self.day, self.begins, self.ends), self.chosen_place(), self.room.data or ""
        )

    def show(self, row: Occurrence) -> None:
        """Fill in how it is now."""
        self.day.process_data(row.day)
        self.begins.data, self.ends.data = i18n.clock_words(row.begins), i18n.clock_words(row.ends)
        self.room.data = row.room or row.session.room
        self.show_place(row.place or row.session.place)


class CapacityForm(BaseForm):
    """How many places one date has."""

    capacity = CountField(_l("Places"), least=1, most=500)
    companion_cap = CountField(_l("Places for people who come along"), least=0, most=100)


# --- messages


class NoticeForm(OnceForm):
    """A ready-made message with its blank."""

    template = OneOf(_l("What do you want to say?"), choices=[])
    date = NumberFromList(_l("To whom?"), choices=[])
    minutes = StringField(_l("Minutes later"))
    things = StringField(_l("Things to bring"))
    words = TextAreaField(_l("Your own words, in English"))

    def __init__(self, *args: Any, dates: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.template.choices = words_of(words.NOTICES)
        self.date.choices = [(0, _l("Everybody booked on a date to come")), *dates]

    def blank(self) -> str:
        """What fills the blank of the chosen message. Raises RuleBroken at its field."""
        name = NOTICES[self.template.data]
        if name == "minutes":
            typed = plain_digits(self.minutes.data or "").strip()[:10]
            if not WHOLE.fullmatch(typed) or not 1 <= int(typed) <= LATEST_MINUTES:
                raise RuleBroken(NO_NUMBER, field="minutes", least=1, most=LATEST_MINUTES)
            return str(int(typed))
        longest = NOTICE_LENGTH[self.template.data]
        said = one_line((self[name].data or "")[: longest * 4])
        if not said:
            raise RuleBroken(words.NEEDS_WORDS, field=name)
        if len(said) > longest:
            raise RuleBroken(TOO_LONG, field=name)
        return said


# --- a booking for somebody


class PersonBookingForm(BaseForm):
    """What is asked for a booking of whoever keeps a record: how to reach them stands there."""

    form_key = StringField()
    date = AnyOf(_l("Which dates?"), choices=[], coerce=number_of)
    label = LineField(_l("What the learner wishes to be called on the day"), longest=rules.LABEL_LENGTH)
    companions = CountField(
        _l("How many come along to help"), least=0, most=rules.COMPANIONS_AT_MOST, default="0"
    )
    needs = AnyOf(_l("What they need to take part"), choices=[])
    note = LineField(_l("One short line about that"), longest=rules.NOTE_LENGTH)
    waiting_mode = OneOf(_l("If it is full"), choices=[], default="book_me")
    consent = BooleanField(_l("I read them the words above and they said yes"))

    def __init__(self, *args: Any, dates: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.date.choices = list(dates)
        self.needs.choices = words_of(rules.NEEDS)
        self.waiting_mode.choices = words_of(words.WAITING_MODES)

    def validate_consent(self, field: Any) -> None:
        """Nobody is booked without their yes."""
        if not field.data:
            raise ValidationError(_l(words.CONSENT_NEEDED))

    def access_needs(self) -> dict[str, Any]:
        """What they need to take part, as a booking keeps it."""
        if not self.needs.data and not self.note.data:
            return {}
        return {"codes": self.needs.data or [], **({"note": self.note.data} if self.note.data else {})}


class PhoneBookingForm(PersonBookingForm):
    """Somebody phones or stands at the desk: the organiser books for them, with their spoken yes."""

    places = CountField(_l("How many people"), least=1, most=rules.PLACES_AT_MOST, default="1")
    age_band = FromList(_l("Is the learner under 16?"), choices=[])
    language = FromList(_l("Language for messages"), choices=[])
    contact_kind = OneOf(_l("How may we reach them?"), choices=[])
    contact = StringField(_l("Number, e-mail address or address for letters"))
    contact_of = FromList(_l("Whose is it?"), choices=[])
    contact_name = LineField(_l("Name of the helper or adult"), longest=rules.LABEL_LENGTH)
    is_discreet = BooleanField(_l("No message may name the service"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.age_band.choices = [("", _l("No, or they do not say")), *words_of(words.AGE_BANDS)]
        self.language.choices = [(language.slug, language.english_name) for language in i18n.released()]
        offered = contact.offered()
        kinds = {kind: said for kind, said in rules.CONTACTS.items() if kind == "none" or kind in offered}
        self.contact_kind.choices = words_of(kinds)
        self.contact_of.choices = words_of(words.CONTACT_OF)

    def read_contact(self) -> str | None:
        """The number or address in its one form. Raises RuleBroken at its field."""
        kind, typed = self.contact_kind.data, self.contact.data or ""
        if kind not in rules.WITH_VALUE:
            return None
        if kind == "letter":
            lines = one_line(typed)
            if len(lines) > 300:
                raise RuleBroken(TOO_LONG, field="contact")
            return lines or None
        return contact.read_value(kind, typed, field="contact")


# --- the list


class FilterForm(BaseForm):
    """What of the list is shown. It lives in the address."""

    class Meta:
        """A form that changes nothing carries no token in the address."""

        csrf = False

    when = SelectField(_l("When"), validate_choice=False)
    course = SelectField(_l("Course"), validate_choice=False)
    state = SelectField(_l("State"), validate_choice=False)
    text = StringField(_l("Words of the title or the place"))

    def __init__(self, *args: Any, courses: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.when.choices = [("coming", _l("Still to come")), ("past", _l("Over or cancelled"))]
        self.course.choices = [("0", _l("All courses")), *((str(number), title) for number, title in courses)]
        self.state.choices = [("", _l("All")), *words_of(words.STATES)]

    def show(self, when: str, course_id: int, state: str, text: str) -> None:
        """What is chosen now."""
        self.when.data, self.course.data, self.state.data, self.text.data = when, str(course_id), state, text


class FindForm(BaseForm):
    """Words to find a session by. They live in the address."""

    class Meta:
        """A form that changes nothing carries no token in the address."""

        csrf = False

    text = StringField(_l("Words of the title or the place"))
