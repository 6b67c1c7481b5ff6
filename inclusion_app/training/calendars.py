"""Calendar files (RFC 5545, 5546, 7986): every upcoming date, the dates of one session, the dates of one booking.

Times are wall times of Europe/London, and the file says itself when its clocks change, so a weekly 10:00 stays 10:00.
A date keeps its UID for ever and its SEQUENCE only rises: a calendar that knows it changes it in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext
from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard
from icalendar.prop import vDatetime, vRecur
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.core import i18n
from inclusion_app.core.clock import LONDON
from inclusion_app.core.words import N_
from inclusion_app.training.models import Booking, Course, CourseText, Occurrence, TrainingSession

PUBLISH, CANCEL = "PUBLISH", "CANCEL"
# What stands in the place of a title for whom nothing may name the service.
DISCREET_TITLE = N_("Appointment")
ALL_SESSIONS = N_("Free digital training in Manchester")
BRING = N_("Please bring: %(things)s")
CALL = N_("Questions? Phone %(phone)s.")
ONLINE = N_("Online")
# Calendars ask again after so long.
REFRESH = timedelta(hours=1)
AT_MOST = 5_000


def text_of(course: Course) -> CourseText | None:
    """The words of a course for whoever reads."""
    return course.text_in(i18n.current_language().slug)


def place_words(occurrence: Occurrence) -> str:
    """Where a date is, on one line: room, place, address, postcode. A session online says so."""
    place, room = occurrence.where
    if place is None:
        return gettext(ONLINE) if occurrence.session.is_online else ""
    return ", ".join(part for part in (room, place.name, place.address, place.postcode) if part)


# --- the questions


def upcoming_dates(session: Session, *, now: datetime) -> Sequence[Occurrence]:
    """Every date that is not over, of every session people can see.

    A cancelled one stays until it would have been over, so that a calendar learns of it.
    """
    return _dates(session, Occurrence.ends_at > now)


def dates_of(session: Session, *, slug: str) -> Sequence[Occurrence] | None:
    """All dates of one session people can see, those that are over too. None where there is no such session, or no date."""
    return _dates(session, TrainingSession.slug == slug) or None


def _dates(session: Session, *conditions: ColumnElement[bool]) -> Sequence[Occurrence]:
    seen = (
        TrainingSession.status.in_(("published", "cancelled")),
        TrainingSession.change_number > 0,
        TrainingSession.withdrawn_at.is_(None),
    )
    wanted = (
        select(Occurrence)
        .join(Occurrence.session)
        .where(*seen, *conditions)
        .order_by(Occurrence.starts_at, Occurrence.id)
        .options(selectinload(Occurrence.session), selectinload(Occurrence.place))
        .limit(AT_MOST)
    )
    return session.scalars(wanted).all()


# --- the files


@dataclass(frozen=True)
class Links:
    """How the pages behind a file are reached: the page of a session by its slug, and of the booking, as whole addresses."""

    session: str
    booking: str | None = None

    def of(self, training: TrainingSession) -> str:
        """The page of this session."""
        return f"{self.session}/{training.slug}"


def public_calendar(
    dates: Iterable[Occurrence], *, links: Links, title: str, refreshes: bool = False
) -> bytes:
    """A file of dates anybody may read: no person stands in it, neither who teaches nor who comes."""
    calendar = _calendar(PUBLISH, title=title)
    if refreshes:
        calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
        calendar.add("x-published-ttl", "PT1H")
    for date in dates:
        event = _event(date, cancelled=date.is_off, sequence=date.sequence, stamp=date.session.changed_at)
        _describe(event, date, link=links.of(date.session))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def booking_calendar(booking: Booking, *, links: Links) -> bytes:
    """Every date of a booking in one file; one that has ended takes them all out of the calendar again.

    Who waits gets them as tentative. For whom nothing may name the service it says when, and nothing else.
    """
    ended = booking.status in {"cancelled", "session_cancelled"}
    first = booking.dates[0].occurrence.session if booking.dates else booking.session
    text = text_of(first.course)
    title = "" if booking.is_discreet or text is None else text.title
    calendar = _calendar(CANCEL if ended else PUBLISH, title=title, is_discreet=booking.is_discreet)
    stamp = max(filter(None, (booking.made_at, booking.ended_at, booking.session.changed_at)))
    for mine in sorted(booking.dates, key=lambda mine: (mine.occurrence.starts_at, mine.occurrence_id)):
        date = mine.occurrence
        off = ended or mine.status != "on"
        # The date itself may go on without them: what takes it out comes after what put it in.
        left = off and not date.is_off
        event = _event(date, cancelled=off or date.is_off, sequence=date.sequence + left, stamp=stamp)
        if not off and booking.status != "booked" and not date.is_off:
            event["status"] = "TENTATIVE"
        if booking.is_discreet:
            event.add("summary", gettext(DISCREET_TITLE))
            event.add("class", "PRIVATE")
        else:
            joining = date.session.joining if booking.status == "booked" and not off else ""
            _describe(event, date, link=links.booking, joining=joining)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _calendar(method: str, *, title: str = "", is_discreet: bool = False) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Calendar//EN" if is_discreet else "-//My digital roadmap//Training//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    if title:
        calendar.add("name", title)
        calendar.add("x-wr-calname", title)
    calendar.add("x-wr-timezone", LONDON.key)
    calendar.add_component(_london())
    return calendar


def _london() -> Timezone:
    """When London's clocks change: the last Sundays of March and October at 1:00 UTC, the rule since 1996."""
    zone = Timezone()
    zone.add("tzid", LONDON.key)
    summer, winter = TimezoneDaylight(), TimezoneStandard()
    for part, name, since, offset_from, offset_to, month in (
        (summer, "BST", "1996-03-31T01:00", 0, 1, 3),
        (winter, "GMT", "1996-10-27T02:00", 1, 0, 10),
    ):
        part.add("tzname", name)
        part["dtstart"] = vDatetime(datetime.fromisoformat(since))
        part.add("tzoffsetfrom", timedelta(hours=offset_from))
        part.add("tzoffsetto", timedelta(hours=offset_to))
        part.add("rrule", vRecur({"freq": "yearly", "bymonth": month, "byday": "-1su"}))
        zone.add_component(part)
    return zone


def _event(date: Occurrence, *, cancelled: bool, sequence: int, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", date.uid)
    event.add("dtstamp", stamp)
    event.add("last-modified", stamp)
    event.add("sequence", sequence)
    event.add("dtstart", date.starts_at.astimezone(LONDON))
    event.add("dtend", date.ends_at.astimezone(LONDON))
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    return event


def _describe(event: Event, date: Occurrence, *, link: str | None, joining: str = "") -> None:
    training = date.session
    text = text_of(training.course)
    event.add("summary", text.title if text is not None else training.organisation.name)
    lines = [text.summary] if text is not None and text.summary else []
    if text is not None and text.bring:
        lines.append(gettext(BRING, things=text.bring))
    lines += [joining] if joining else []
    if training.phone:
        lines.append(gettext(CALL, phone=i18n.isolated(training.phone)))
    if lines:
        event.add("description", "\n".join(lines))
    if where := place_words(date):
        event.add("location", where)
    place, _room = date.where
    if place is not None and place.lat is not None and place.lng is not None:
        event.add("geo", (place.lat, place.lng))
    if link:
        event.add("url", link)
