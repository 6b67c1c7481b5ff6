"""The open feed of sessions: OpenActive's Realtime Paged Data Exchange 1.0, data by Modelling Opportunity Data 2.0.

Anybody may read it and keep it. It says of a session what its public page says; of people it says nothing, neither who
teaches nor how many places are left. See docs/open-feed.md for what is said how, and for the one deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.clock import LONDON
from inclusion_app.places.models import Place
from inclusion_app.training.models import Occurrence, TrainingSession
from inclusion_app.training.rules import KINDS, OFFERS

KIND = "SessionSeries"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
# The exchange asks for 500 items or more on a page.
ON_A_PAGE = 500
# What the column holds. A reader may ask for a number the feed has not reached yet: that is its last page.
HIGHEST = 2**63 - 1
# A reader who comes at least this often learns of everything that is gone. The exchange asks for 48 hours.
DELETED_STAYS = timedelta(days=7)
PAGE_LASTS, LAST_PAGE_LASTS = 3600, 8

CONTEXT = "https://openactive.io/"
NAMESPACE = "roadmap"
LANGUAGE_FIELD, ACCESS_FIELD, KIND_FIELD = (
    f"{NAMESPACE}:{name}" for name in ("sessionLanguage", "accessSupport", "courseKind")
)
SCHEDULED, CANCELLED = "https://schema.org/EventScheduled", "https://schema.org/EventCancelled"
OFFLINE, ONLINE, MIXED = (
    f"https://schema.org/{mode}EventAttendanceMode" for mode in ("Offline", "Online", "Mixed")
)
AGES: dict[str, dict[str, int]] = {
    "any": {"minValue": 0},
    "young": {"minValue": 0, "maxValue": 17},
    "adults": {"minValue": 18},
    "older": {"minValue": 50},
}
# The words OpenActive has for a level; ours count from 0 (never used one) to 4.
LEVELS = ("Beginner", "Beginner", "Intermediate", "Advanced", "Advanced")


@dataclass(frozen=True)
class Wish:
    """What a reader asks for: the page after a change number, with so many items at most."""

    after: int | None = None
    limit: int | None = None

    @classmethod
    def read(cls, after: str | None, limit: str | None) -> Wish:
        """Raises ValueError for what is no whole number from 0 (after) or 1 (limit) on. A greater limit is the greatest."""
        return cls(
            _number(after, 0, HIGHEST),
            min(_number(limit, 1, HIGHEST) or ON_A_PAGE, ON_A_PAGE) if limit else None,
        )

    def address(self, feed: str, after: int | None) -> str:
        """The address of the page after this number."""
        parts = {"afterChangeNumber": after, "limit": self.limit}
        query = urlencode({name: value for name, value in parts.items() if value is not None})
        return f"{feed}?{query}" if query else feed


def _number(text: str | None, low: int, high: int) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high):
        raise ValueError("no such number")
    return int(text)


def changed_after(session: Session, wish: Wish, *, now: datetime) -> Sequence[TrainingSession]:
    """The sessions that changed after a number, in the order of their numbers; what was gone a week ago is left out."""
    wanted = (
        select(TrainingSession)
        .where(
            TrainingSession.change_number > (wish.after or 0),
            or_(TrainingSession.withdrawn_at.is_(None), TrainingSession.withdrawn_at > now - DELETED_STAYS),
        )
        .order_by(TrainingSession.change_number)
        .limit(wish.limit or ON_A_PAGE)
        .options(selectinload(TrainingSession.occurrences).selectinload(Occurrence.place))
    )
    return session.scalars(wanted).all()


def page(sessions: Sequence[TrainingSession], wish: Wish, *, feed: str, base: str) -> dict[str, Any]:
    """One page of the feed. The last one has no items, and its `next` is itself.

    `feed` is the whole address of the feed, `base` that of the service.
    """
    after = sessions[-1].change_number if sessions else wish.after
    return {
        "next": wish.address(feed, after),
        "items": [item(training, base) for training in sessions],
        "license": LICENCE,
    }


def item(training: TrainingSession, base: str) -> dict[str, Any]:
    """One session as it is now, or that it is gone."""
    head = {"id": str(training.id), "kind": KIND, "modified": training.change_number}
    if not is_shown(training):
        return {"state": "deleted", **head}
    return {"state": "updated", **head, "data": data_of(training, base)}


def is_shown(training: TrainingSession) -> bool:
    """A draft, one that was withdrawn and one without a date are nothing anybody could come to."""
    return (
        training.withdrawn_at is None
        and training.status != "draft"
        and training.booked_as != "undated"
        and bool(training.occurrences)
    )


def data_of(training: TrainingSession, base: str) -> dict[str, Any]:
    """The session as Modelling Opportunity Data 2.0 says it; its dates are its sub-events."""
    url = f"{base}/en/training/{training.slug}"
    words = training.course.text_in("en")
    data: dict[str, Any] = {
        "@context": [CONTEXT, f"{base}/api/openactive/context"],
        "@type": KIND,
        "@id": url,
        "url": url,
        "identifier": training.id,
        "name": words.title if words is not None else training.organisation.name,
        "organizer": _organizer(training, base),
        "category": [KINDS[training.course.kind]],
        "level": [LEVELS[training.course.level]],
        "ageRange": {"@type": "QuantitativeValue", **AGES[training.for_age]},
        "genderRestriction": f"https://openactive.io/{'FemaleOnly' if 'women_only' in training.offer_list else 'NoRestriction'}",
        "isCoached": True,
        "isAccessibleForFree": True,
        "maximumAttendeeCapacity": training.capacity,
        "eventStatus": CANCELLED if training.status == "cancelled" else SCHEDULED,
        "eventAttendanceMode": _attendance(training),
        "offers": [
            {"@type": "Offer", "@id": f"{url}#free", "name": "Free", "price": 0, "priceCurrency": "GBP"}
        ],
        LANGUAGE_FIELD: training.taught_in,
        KIND_FIELD: training.course.kind,
    }
    if words is not None and words.summary:
        data["description"] = words.summary
    if words is not None and words.bring:
        data["attendeeInstructions"] = f"Please bring: {words.bring}"
    if training.offer_list:
        data[ACCESS_FIELD] = training.offer_list
        data["accessibilityInformation"] = ". ".join(OFFERS[code] for code in training.offer_list) + "."
    if training.place is not None and _attendance(training) != ONLINE:
        data["location"] = _location(training.place, base)
    data["subEvent"] = [_date(date, training, url, base) for date in training.occurrences]
    return data


def _attendance(training: TrainingSession) -> str:
    if not training.is_online:
        return OFFLINE
    return ONLINE if training.place is None else MIXED


def _organizer(training: TrainingSession, base: str) -> dict[str, Any]:
    organisation: Organisation = training.organisation
    found = {
        "@type": "Organization",
        "@id": f"{base}/api/openactive/sessions#organisation-{organisation.id}",
        "name": organisation.name,
    }
    return {**found, "telephone": training.phone} if training.phone else found


def _location(place: Place, base: str) -> dict[str, Any]:
    url = f"{base}/en/places/{place.slug}"
    street = place.address or place.name
    found: dict[str, Any] = {"@type": "Place", "@id": url, "url": url, "name": place.name, "address": street}
    if place.postcode:
        found["address"] = {
            "@type": "PostalAddress", "streetAddress": street, "addressLocality": "Manchester",
            "addressRegion": "Greater Manchester", "postalCode": place.postcode, "addressCountry": "GB",
        }  # fmt: skip
    if place.lat is not None and place.lng is not None:
        found["geo"] = {"@type": "GeoCoordinates", "latitude": place.lat, "longitude": place.lng}
    if place.phone:
        found["telephone"] = place.phone
    return found


def _date(date: Occurrence, training: TrainingSession, url: str, base: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "ScheduledSession", "@id": f"{url}#{date.uid}", "url": url,
        "startDate": date.starts_at.astimezone(LONDON).isoformat(),
        "endDate": date.ends_at.astimezone(LONDON).isoformat(),
        "duration": _duration(date.ends_at - date.starts_at),
        "eventStatus": CANCELLED if date.is_off else SCHEDULED,
        "maximumAttendeeCapacity": date.capacity,
        "isAccessibleForFree": True,
    }  # fmt: skip
    if date.place is not None and date.place_id != training.place_id and _attendance(training) != ONLINE:
        found["location"] = _location(date.place, base)
    return found


def _duration(length: timedelta) -> str:
    """ISO 8601: PT1H30M."""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes or not hours else "")


def context(base: str) -> dict[str, Any]:
    """What our own fields mean (JSON-LD), published beside the feed as the Modelling Specification asks of extensions."""
    own = f"{base}/api/openactive/context#"
    return {
        "@context": {
            NAMESPACE: own, "oa": "https://openactive.io/", "schema": "https://schema.org/",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            LANGUAGE_FIELD: {"@id": LANGUAGE_FIELD}, ACCESS_FIELD: {"@id": ACCESS_FIELD, "@container": "@set"},
            KIND_FIELD: {"@id": KIND_FIELD},
        },
        "@id": own,
        "@graph": [
            _field(LANGUAGE_FIELD, "The language a session is taught in: a tag of BCP 47."),
            _field(ACCESS_FIELD, f"What a session offers by itself: {', '.join(OFFERS)}."),
            _field(KIND_FIELD, f"What kind of course it is: {', '.join(KINDS)}."),
        ],
    }  # fmt: skip


def _field(name: str, comment: str) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "rdfs:Property",
        "rdfs:comment": comment,
        "schema:domainIncludes": {"@id": "oa:SessionSeries"},
        "schema:rangeIncludes": {"@id": "schema:Text"},
    }
