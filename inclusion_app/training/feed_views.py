"""What other programs read: calendar files and the open feed. None of these addresses changes anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import abort, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import whole_address
from inclusion_app.training import calendars, feed
from inclusion_app.training.calendars import Links
from inclusion_app.training.models import Booking, Occurrence
from inclusion_app.training.opened import booking_of, note_reader
from inclusion_app.training.views import room

CALENDAR_LASTS = 900


def _base() -> str:
    return whole_address("/").rstrip("/")


def _calendar(body: bytes, *, name: str, public: bool) -> Response:
    """A calendar file; a public one may be kept for a quarter of an hour and asked for again by its tag."""
    answer = Response(body, content_type="text/calendar; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if public:
        answer.headers["Cache-Control"] = f"public, max-age={CALENDAR_LASTS}"
        # The same file may leave squeezed or not.
        answer.add_etag(weak=True)
        answer.make_conditional(request.environ)
    return answer


@room.page("/training.ics", allow=ANYONE, localised=False)
def all_dates() -> Any:
    """Every date that is not over, to subscribe to: one English address, whatever language the reader speaks."""
    dates = calendars.upcoming_dates(db_session(), now=now())
    links = Links(f"{_base()}/en/training")
    body = calendars.public_calendar(dates, links=links, title=calendars.ALL_SESSIONS, refreshes=True)
    return _calendar(body, name="training.ics", public=True)


def _dates_of(slug: str) -> Sequence[Occurrence] | None:
    return calendars.dates_of(db_session(), slug=slug)


@room.page("/training/<slug>.ics", allow=ANYONE, load=_dates_of)
def session_dates(dates: Sequence[Occurrence]) -> Any:
    """The dates of one session, in the language of the address where its words are in it."""
    training = dates[0].session
    text = calendars.text_of(training.course)
    body = calendars.public_calendar(
        dates, links=_links(), title=text.title if text is not None else gettext(calendars.ALL_SESSIONS)
    )
    return _calendar(body, name=f"{training.slug}.ics", public=True)


def _links(code: str | None = None) -> Links:
    base = f"{_base()}/{i18n.current_language().slug}"
    return Links(f"{base}/training", f"{base}/book/{code}" if code else None)


def _dated_booking(code: str) -> Booking | None:
    booking = booking_of(code)
    # Without a date there is nothing a calendar could show.
    return booking if booking is not None and booking.dates else None


@room.page("/book/<code>.ics", allow=ANYONE, load=_dated_booking, reads=("booking",))
def booking_dates(booking: Booking) -> Any:
    """Every date of a booking in one file, for whoever holds its code."""
    note_reader(booking)
    body = calendars.booking_calendar(booking, links=_links(booking.code))
    return _calendar(body, name="appointment.ics" if booking.is_discreet else "booking.ics", public=False)


# --- the open feed


def _json(data: dict[str, Any], *, mimetype: str, lasts: int, status: int = 200) -> Response:
    answer = Response(json.dumps(data, ensure_ascii=False), status=status, mimetype=mimetype)
    answer.headers["Cache-Control"] = f"public, max-age={lasts}"
    # Open data: a page of anybody may read it.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@room.page("/api/openactive/sessions", allow=ANYONE, localised=False)
def open_feed() -> Any:
    """One page of the feed, after the change number a reader got to."""
    try:
        wish = feed.Wish.read(request.args.get("afterChangeNumber"), request.args.get("limit"))
    except ValueError:
        abort(400)
    sessions = feed.changed_after(db_session(), wish, now=now())
    base = _base()
    body = feed.page(sessions, wish, feed=f"{base}/api/openactive/sessions", base=base)
    lasts = feed.PAGE_LASTS if sessions else feed.LAST_PAGE_LASTS
    return _json(body, mimetype="application/json", lasts=lasts)


@room.page("/api/openactive/context", allow=ANYONE, localised=False)
def feed_context() -> Any:
    """What the fields mean that are ours."""
    return _json(feed.context(_base()), mimetype="application/ld+json", lasts=feed.PAGE_LASTS)
