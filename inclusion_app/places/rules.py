"""What places are, what may be kept of where somebody looks from, and which kinds serve which step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from inclusion_app.core.geo import walk_minutes
from inclusion_app.core.words import N_
from inclusion_app.places.hours import Answer, Status, leave_before

KINDS: Mapping[str, str] = {
    "library": N_("Library"),
    "makerspace": N_("Makers’ place"),
    "fablab": N_("FabLab"),
    "wifi": N_("Free Wi-Fi"),
    "online_centre": N_("Place with computers and help"),
    "repair_cafe": N_("Repair café"),
    "device_bank": N_("Place that gives devices"),
    "data_bank": N_("Place with free data SIMs"),
    "youth_zone": N_("Youth zone"),
    "adult_learning": N_("Adult learning centre"),
    "code_club": N_("Code club"),
    "jobcentre": N_("Jobcentre"),
}
FACILITIES: Mapping[str, str] = {
    "wifi": N_("Free Wi-Fi"),
    "computers": N_("Computers to use"),
    "data_sim": N_("Free data SIM cards"),
    "device_donation": N_("Takes old devices to pass on"),
    "staff_help": N_("Staff who help"),
    "printing": N_("Printing"),
    "step_free": N_("Step-free way in"),
    "tools": N_("Tools to make and mend things"),
    "self_service": N_("Way in without staff, with a card and PIN"),
}
# Facts about how sure we are of a place or its hours.
SURENESS = {"high": N_("a clear source"), "medium": N_("a weaker source")}

# What a step needs of a place. A group holds kinds that fit equally well: the nearest of them wins. One place comes
# from each group in turn, so "jobcentre, then library" gives one of each. From the column "Usual setting" of the design.
Groups = tuple[tuple[str, ...], ...]
USUAL_KINDS: Groups = (("library", "online_centre"),)
_CLASS: Groups = (("online_centre", "adult_learning", "library"),)
_WORK: Groups = (("jobcentre",), ("library",))
_CAREERS: Groups = (("adult_learning", "jobcentre"), ("library",))
_FAMILY: Groups = (("code_club", "youth_zone"), ("library",))
_LIBRARY: Groups = (("library",),)
STEP_KINDS: Mapping[str, Groups] = {
    "A1": (("device_bank",), ("library",)),
    "A2": _LIBRARY,
    "A3": (("library", "data_bank"),),
    "F2": _CLASS,
    "F3": (("library", "wifi"),),
    "F4": _CLASS,
    "F6": _CLASS,
    "S2": _CLASS,
    "S6": _FAMILY,
    "C2": _CLASS,
    "C4": _CLASS,
    "H1": _CLASS,
    "H2": _CLASS,
    "H3": _CLASS,
    "T4": _LIBRARY,
    "T6": _LIBRARY,
    "T7": _LIBRARY,
    "P1": _CLASS,
    "P3": _CLASS,
    "W1": _WORK,
    "W2": (("adult_learning",), ("library", "jobcentre")),
    "W3": _WORK,
    "W4": (("library",), ("adult_learning",)),
    "U1": _WORK,
    "U2": _WORK,
    "K1": _FAMILY,
    "D1": _CAREERS,
    "D2": (("adult_learning",), ("library",)),
    # A grown-up is no guest of a youth zone: the centre for adults comes first.
    "D3": (("adult_learning",), ("code_club", "youth_zone")),
    "D4": _CAREERS,
    "M1": (("repair_cafe",), ("repair_cafe",), ("makerspace", "fablab")),
    "M2": (("makerspace", "fablab"), ("repair_cafe",)),
    "M3": (("repair_cafe",), ("device_bank",)),
    "V1": (("online_centre", "library"),),
}
# A library’s computer is no place to pay or to bank.
AT_THE_BANK = frozenset({"T2", "T3"})
NEEDS_NO_PLACE = frozenset({"A4", "A7", "E1"}) | AT_THE_BANK
FAR_METRES = 40_000
WALKABLE = 3_000  # metres; farther than this nobody is told minutes on foot


@dataclass(frozen=True)
class Kept:
    """What is kept of a resident's area: words of a ward and a postcode sector, and a point for the sector."""

    words: str
    near: dict[str, Any]


def area_to_keep(near: Mapping[str, Any] | None) -> Kept | None:
    """Ward and postcode sector of a position, the point rounded to about 100 metres. None without a position.

    The full postcode is never among what is kept.
    """
    if not near:
        return None
    words = ", ".join(part for part in (near.get("ward", ""), near.get("sector", "")) if part) or str(
        near.get("name", "")
    )
    kept = {
        "lat": round(near["lat"], 3),
        "lng": round(near["lng"], 3),
        "ward": near.get("ward", ""),
        "sector": near.get("sector", ""),
        "name": words,
        "rough": True,
    }
    if near.get("outside"):
        kept["outside"], kept["unsure"] = near["outside"], bool(near.get("unsure"))
    return Kept(words, kept)


def kind_groups_for_step(step: str) -> Groups:
    """Groups of kinds that fit a step equally well, best group first; empty when a place is no help."""
    if step in NEEDS_NO_PLACE:
        return ()
    return STEP_KINDS.get(step, USUAL_KINDS)


class Trip(StrEnum):
    """Whether going there now is of use."""

    LEAVE_BEFORE = "leave_before"
    HURRY = "hurry"
    TOO_LATE = "too_late"


@dataclass(frozen=True)
class Arrival:
    """The last useful arrival. `leave` is the last time to set out, `closes` when the door closes."""

    trip: Trip
    leave: datetime
    closes: datetime


def last_useful_arrival(status: Status, metres: float | None, now: datetime) -> Arrival | None:
    """Can a slow walker who sets out now still use a place that is open? None when that cannot be said.

    LEAVE_BEFORE while there are thirty minutes to be had inside, HURRY when fewer, TOO_LATE when it will have closed.
    Nothing is said of places farther than a walk, closed ones, those without a known closing time, or a distance
    nobody knows.
    """
    if status.answer not in {Answer.OPEN, Answer.SELF_SERVICE} or status.until is None:
        return None
    if metres is None or metres > WALKABLE:
        return None
    minutes = walk_minutes(metres)
    leave = leave_before(status, minutes)
    if leave is None:
        return None
    # Both in UTC: two times of one zone are compared by the clock on the wall, wrong in the hour that comes twice.
    moment, closes = now.astimezone(UTC), status.until.astimezone(UTC)
    if moment < leave:
        trip = Trip.LEAVE_BEFORE
    elif moment + timedelta(minutes=minutes) < closes:
        trip = Trip.HURRY
    else:
        trip = Trip.TOO_LATE
    return Arrival(trip, leave, status.until)


def kinds_for_step(step: str) -> tuple[str, ...]:
    """The kinds of place that help with a step, best first, each once; empty when a place is no help."""
    return tuple(dict.fromkeys(kind for group in kind_groups_for_step(step) for kind in group))
