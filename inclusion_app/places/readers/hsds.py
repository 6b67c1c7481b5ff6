"""Open Referral UK (HSDS-UK 3.0): services and where they are given. Pure.

One row for each service at a physical location. A service has no kind of ours, so its subject headings and its name
must give one away (`rows.KIND_WORDS`, or our own words in a taxonomy term); else `--kind` says it for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from inclusion_app.places.hours import Span
from inclusion_app.places.pack import Refused
from inclusion_app.places.postcodes import name_key
from inclusion_app.places.readers.rows import (
    Options,
    Reading,
    Unusable,
    clean,
    day_of,
    few_enough,
    kinds_in_words,
    number,
    phone_number,
    read_json,
    web_address,
)
from inclusion_app.places.rules import FACILITIES, KINDS

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
BYDAY = re.compile(r"(-?\d)?(MO|TU|WE|TH|FR|SA|SU)")
TIME = re.compile(r"(\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?")
STEP_FREE = re.compile(
    r"\b(step[- ]free|level access|(fully )?wheelchair[- ]accessible|wheelchair access)\b", re.I
)
DENIED = re.compile(r"\b(no|not|non|without|limited|partial(ly)?|unfortunately|cannot|\w+n[’']t)\b", re.I)
OURS = {name_key(words): name for name, words in (*KINDS.items(), *FACILITIES.items())}
MOST_ID = 80


class _NotOurs(Exception):
    """A service that is no place of ours; no fault."""


def read_hsds(data: bytes, options: Options) -> Reading:
    """Services of a page, a list, or a single one, counted from 1. Raises Unusable for any other JSON."""
    reading = Reading()
    for count, service in enumerate(few_enough(_services(read_json(data), reading)), 1):
        try:
            for row in _rows(service, options):
                reading.rows.append({**row, "line": count, "part": "service"})
        except _NotOurs as err:
            reading.passed_over.append(Refused(count, str(err), "service"))
        except ValueError as err:
            reading.refused.append(Refused(count, str(err), "service"))
    return reading


def _services(whole: Any, reading: Reading) -> list[Any]:
    if isinstance(whole, list):
        return whole
    if isinstance(whole, dict):
        for name in ("contents", "content"):
            if isinstance(whole.get(name), list):
                pages = number(whole.get("total_pages"))
                if pages is not None and pages > 1:
                    reading.notes.append(f"this is one of {pages:.0f} pages; import each of them")
                return whole[name]
        if "service_at_locations" in whole or ("id" in whole and "name" in whole) or _is_at_location(whole):
            return [whole]
    raise Unusable("not Open Referral: neither a page with contents, nor a list of services, nor one service")


def _is_at_location(whole: Mapping[str, Any]) -> bool:
    return isinstance(whole.get("service"), dict) and isinstance(whole.get("location"), dict)


def _dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _rows(given: Any, options: Options) -> Iterator[dict[str, Any]]:
    if not isinstance(given, dict):
        raise ValueError("is not a service")
    # What /service_at_locations answers is the other way round: the service stands inside.
    service, places = (
        (given["service"], [given])
        if _is_at_location(given)
        else (given, _dicts(given.get("service_at_locations")))
    )
    name = clean(service.get("name"))
    if not name:
        raise ValueError("has no name")
    status = clean(service.get("status")) or "active"
    if status != "active":
        raise _NotOurs(f"{name}: is {status}")
    kinds = _kinds(service, name) or ([options.kind] if options.kind else [])
    if not kinds:
        raise _NotOurs(f"{name}: none of our kinds; --kind takes it as one")
    if not places:
        raise ValueError(f"{name}: no place in it; fetch the whole service, /services/{{id}}")
    with_address = [place for place in places if _is_physical(place)]
    if not with_address:
        raise _NotOurs(f"{name}: nowhere to go to, it is online or by phone")
    for place in with_address:
        yield _row(service, name, kinds, place, options)


def _is_physical(place: Mapping[str, Any]) -> bool:
    location = place.get("location")
    return isinstance(location, dict) and (clean(location.get("location_type")) or "physical") == "physical"


def _terms(owner: Mapping[str, Any]) -> list[str]:
    found = []
    for attribute in _dicts(owner.get("attributes")):
        term = attribute.get("taxonomy_term")
        if isinstance(term, dict):
            found += [clean(term.get(key)) for key in ("name", "term", "id", "code") if term.get(key)]
    return found


def _our_words(terms: list[str]) -> list[str]:
    known = {*KINDS, *FACILITIES}
    return [term if term in known else OURS.get(name_key(term), "") for term in terms]


def _kinds(service: Mapping[str, Any], name: str) -> list[str]:
    terms = _terms(service)
    found = [word for word in _our_words(terms) if word in KINDS]
    for text in (*terms, name):
        found += kinds_in_words(text)
    return list(dict.fromkeys(found))


def _row(
    service: Mapping[str, Any], name: str, kinds: list[str], place: Mapping[str, Any], options: Options
) -> dict[str, Any]:
    location = place["location"]
    organisation = service.get("organization")
    organisation = organisation if isinstance(organisation, dict) else {}
    address = _address(location)
    on = day_of(service.get("assured_date"), options.today) or day_of(
        service.get("last_modified"), options.today
    )
    source = web_address(clean(service.get("url")))
    facts: dict[str, Any] = {
        "id": _id(service, place, name),
        "name": _name(name, clean(location.get("name"))),
        "kinds": " ".join(kinds),
        "address": ", ".join(_parts(address)),
        "postcode": clean(address.get("postal_code")),
        "phone": _phone(place, location, service, organisation),
        "website": source or clean(organisation.get("website")),
        "source_address": source,
        "source_on": on,
        "facilities": [
            (facility, "yes", source, on, "medium") for facility in _facilities(service, location)
        ],
    }
    lat, lng = number(location.get("latitude")), number(location.get("longitude"))
    notes = []
    if lat is not None and lng is not None:
        facts |= {"lat": lat, "lng": lng}
    try:
        facts["spans"] = _spans(_schedules(service, place, location), options.today)
    except ValueError as err:
        notes.append(f"opening times left out: {err}")
    return facts | {"notes": tuple(notes)}


def _id(service: Mapping[str, Any], place: Mapping[str, Any], name: str) -> str:
    own = clean(place.get("id")) or "@".join(
        filter(None, (clean(service.get("id")), clean(place["location"].get("id"))))
    )
    if not own:
        raise ValueError(f"{name}: has no id")
    return own[:MOST_ID]


def _name(service: str, location: str) -> str:
    """The service's name with the location's, unless one holds the other."""
    if not location or name_key(location) in name_key(service):
        return service
    if name_key(service) in name_key(location):
        return location
    both = f"{service}, {location}"
    return both if len(both) <= 160 else service


def _address(location: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _dicts(location.get("addresses"))
    physical = [address for address in found if clean(address.get("address_type")) == "physical"]
    return next(iter([*physical, *found]), {})


def _parts(address: Mapping[str, Any]) -> list[str]:
    lines = [clean(address.get(key)) for key in ("address_1", "address_2", "city")]
    return [line for line in lines if line]


def _phone(*owners: Mapping[str, Any]) -> str:
    for owner in owners:
        contacts = [*_dicts(owner.get("phones"))]
        for contact in _dicts(owner.get("contacts")):
            contacts += _dicts(contact.get("phones"))
        for phone in contacts:
            if found := phone_number(clean(phone.get("number"))):
                return found
    return ""


def _facilities(service: Mapping[str, Any], location: Mapping[str, Any]) -> list[str]:
    found = [word for word in _our_words([*_terms(service), *_terms(location)]) if word in FACILITIES]
    for item in _dicts(location.get("accessibility")):
        text = clean(item.get("description") or item.get("accessibility"))
        # One sentence at a time: "The café is not" must not take back what the door's sentence says, nor add to it.
        found += [
            "step_free"
            for sentence in re.split(r"[.;!?]\s*", text)
            if STEP_FREE.search(sentence) and not DENIED.search(sentence)
        ]
    return list(dict.fromkeys(found))


def _schedules(
    service: Mapping[str, Any], place: Mapping[str, Any], location: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Those of this service here, else the service's own (for this place or for none named), else the location's."""
    here = _dicts(place.get("schedules"))
    own = [
        row
        for row in _dicts(service.get("schedules"))
        if not row.get("service_at_location_id") or row["service_at_location_id"] == place.get("id")
    ]
    return here or own or _dicts(location.get("schedules"))


def _spans(schedules: list[dict[str, Any]], today: date) -> tuple[Span, ...]:
    """The weekly and monthly spans that hold today. Raises ValueError when one row cannot be said exactly."""
    found: list[Span] = []
    for row in schedules:
        if not clean(row.get("opens_at")) and not clean(row.get("closes_at")):
            continue
        if _is_past(row, today) or _is_to_come(row, today):
            continue
        opens, closes = _time(row.get("opens_at")), _time(row.get("closes_at"))
        found += [Span(weekday, opens, closes, nth=nth) for weekday, nth in _days(row)]
    return tuple(dict.fromkeys(found))


def _is_past(row: Mapping[str, Any], today: date) -> bool:
    ends = [clean(row.get(key))[:10] for key in ("valid_to", "until")]
    return any(re.fullmatch(r"\d{4}-\d{2}-\d{2}", end) and end < today.isoformat() for end in ends)


def _is_to_come(row: Mapping[str, Any], today: date) -> bool:
    starts = [clean(row.get(key))[:10] for key in ("valid_from", "dtstart")]
    return any(re.fullmatch(r"\d{4}-\d{2}-\d{2}", start) and start > today.isoformat() for start in starts)


def _time(value: Any) -> time:
    found = TIME.fullmatch(clean(value))
    if not found:
        raise ValueError(f"no time: {clean(value)[:20] or 'nothing'}")
    return time() if found[1] == "24" else time(int(found[1]), int(found[2]))


def _days(row: Mapping[str, Any]) -> list[tuple[int, int | None]]:
    how = clean(row.get("freq")).upper()
    every = number(row.get("interval"))
    if how not in {"WEEKLY", "MONTHLY"} or every not in {None, 1.0}:
        raise ValueError(f"not every week or month: {how or 'nothing'}")
    if clean(row.get("bymonthday")) or clean(row.get("byweekno")) or row.get("count"):
        raise ValueError("days of the month or a number of times")
    given = row.get("byday")
    names = given if isinstance(given, list) else clean(given).split(",")
    days: list[tuple[int, int | None]] = []
    for name in names:
        found = BYDAY.fullmatch(clean(name).upper())
        if not found or (found[1] is not None) != (how == "MONTHLY"):
            raise ValueError(f"no such day: {clean(name)[:20] or 'nothing'}")
        days.append((DAYS.index(found[2]), int(found[1]) if found[1] else None))
    return days
