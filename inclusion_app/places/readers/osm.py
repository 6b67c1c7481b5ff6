"""OpenStreetMap, as overpass turbo and osmtogeojson write it: a GeoJSON FeatureCollection. Pure.

What is taken is deliberately little, for OpenStreetMap says what stands somewhere and seldom what help there is:

- `amenity=library` (not `access=private|no`) is a library;
- `leisure=hackerspace` is a makers' place, a FabLab when its name says so;
- `repair=assisted_self_service`, `amenity=repair_cafe`, or a community place named "repair café" is a repair café;
- `amenity=internet_cafe` only with `fee=no` or `internet_access:fee=no`, as free Wi-Fi with computers;
- `internet_access=wlan|yes` with `internet_access:fee=no` is free Wi-Fi in the public places of PUBLIC, not in
  cafés and shops, where somebody has to buy something;
- `amenity=community_centre` and its like with `internet_access=terminal` is a place with computers;
- an `office=government|employment_agency` named "Jobcentre" is one.

Everything else is passed over and counted, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from inclusion_app.places.pack import Refused
from inclusion_app.places.readers.osm_hours import read_osm_hours
from inclusion_app.places.readers.rows import (
    Options,
    Reading,
    Unusable,
    clean,
    day_of,
    few_enough,
    number,
    phone_number,
    read_json,
)

PUBLIC = frozenset(
    {
        "library",
        "community_centre",
        "social_centre",
        "social_facility",
        "townhall",
        "place_of_worship",
        "arts_centre",
        "public_building",
        "youth_centre",
        "college",
        "hospital",
        "bus_station",
    }
)
COMMUNITY = frozenset(
    {"community_centre", "social_centre", "social_facility", "place_of_worship", "youth_centre"}
)
OSM_ID = re.compile(r"(node|way|relation)/\d{1,20}")

Ring = list[tuple[float, float]]


def read_osm(data: bytes, options: Options) -> Reading:
    """Features of a FeatureCollection, counted from 1. `options.kind` is not used: tags say what a feature is.

    Raises Unusable when the file is no FeatureCollection.
    """
    whole = read_json(data)
    if isinstance(whole, dict) and isinstance(whole.get("elements"), list):
        raise Unusable("this is raw Overpass JSON; export it as GeoJSON")
    if not isinstance(whole, dict) or whole.get("type") != "FeatureCollection":
        raise Unusable("not a GeoJSON FeatureCollection")
    features = whole.get("features")
    if not isinstance(features, list):
        raise Unusable("the FeatureCollection has no list of features")
    taken_on = day_of(whole.get("timestamp"), options.today)
    reading = Reading()
    for count, feature in enumerate(few_enough(features), 1):
        try:
            row = _row(feature, options)
        except _NotOurs as err:
            reading.passed_over.append(Refused(count, str(err), "feature"))
            continue
        except ValueError as err:
            reading.refused.append(Refused(count, str(err), "feature"))
            continue
        if taken_on:
            row["read_on"] = taken_on
        reading.rows.append({**row, "line": count, "part": "feature"})
    return reading


class _NotOurs(Exception):
    """A feature that is no place of ours; no fault."""


def _row(feature: Any, options: Options) -> dict[str, Any]:
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        raise ValueError("is not a feature with properties")
    facts = feature["properties"]
    nested = facts.get("tags")
    tags = {
        clean(key): clean(value)
        for key, value in (nested if isinstance(nested, dict) else facts).items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    }
    name = tags.get("name") or tags.get("name:en", "")
    kinds = kinds_of_tags(tags)
    if not kinds:
        raise _NotOurs(f"{name or 'no name'}: none of our kinds")
    if tags.get("access") in {"private", "no"}:
        raise _NotOurs(f"{name or 'no name'}: not open to the public")
    if not name:
        raise ValueError("has no name")
    osm_id = _id_of(feature, facts)
    if not osm_id:
        raise ValueError(f"{name}: has no OpenStreetMap id such as node/123")
    lat, lng = point_of(feature.get("geometry"), name)
    meta = facts.get("meta") if isinstance(facts.get("meta"), dict) else {}
    on = next(
        (
            day
            for given in (tags.get("check_date"), facts.get("@timestamp"), meta.get("timestamp"))
            if (day := day_of(given, options.today))
        ),
        "",
    )
    address = f"https://www.openstreetmap.org/{osm_id}"
    row: dict[str, Any] = {
        "id": osm_id,
        "name": name,
        "kinds": " ".join(kinds),
        "address": _address(tags),
        "postcode": tags.get("addr:postcode", ""),
        "area": tags.get("addr:suburb", ""),
        "lat": lat,
        "lng": lng,
        "phone": phone_number(tags.get("phone") or tags.get("contact:phone", "")),
        "website": tags.get("website") or tags.get("contact:website") or tags.get("url", ""),
        "source_address": address,
        "source_on": on,
        "facilities": [(key, value, address, on, "medium") for key, value in _facilities(tags).items()],
    }
    return row | _hours(tags, options)


def kinds_of_tags(tags: Mapping[str, str]) -> list[str]:
    """Our kinds of a feature, the main one first; the module's text says which tags count."""
    kinds = []
    amenity, name = tags.get("amenity", ""), tags.get("name", "").casefold()
    if amenity == "library":
        kinds.append("library")
    if tags.get("leisure") == "hackerspace":
        kinds.append("fablab" if re.search(r"\bfab\s?lab\b", name) else "makerspace")
    if (
        amenity == "repair_cafe"
        or tags.get("repair") == "assisted_self_service"
        or (amenity in COMMUNITY and re.search(r"\brepair caf[eé]", name))
    ):
        kinds.append("repair_cafe")
    access = set(tags.get("internet_access", "").split(";"))
    free = tags.get("internet_access:fee") == "no"
    free_cafe = amenity == "internet_cafe" and (free or tags.get("fee") == "no")
    if free_cafe or (amenity in PUBLIC and free and access & {"wlan", "yes"}):
        kinds.append("wifi")
    if amenity in COMMUNITY and "terminal" in access:
        kinds.append("online_centre")
    if tags.get("office") in {"government", "employment_agency"} and re.search(r"\bjob\s?centre", name):
        kinds.append("jobcentre")
    return kinds


def _facilities(tags: Mapping[str, str]) -> dict[str, str]:
    """Facts with yes, no or not known. Limited wheelchair access is not known to be step-free."""
    found = {}
    access = set(tags.get("internet_access", "").split(";"))
    fee = tags.get("internet_access:fee", "")
    if access & {"wlan", "yes"}:
        found["wifi"] = {"no": "yes", "yes": "no"}.get(fee, "not_known")
    elif access == {"no"}:
        found["wifi"] = "no"
    if "terminal" in access or tags.get("amenity") == "internet_cafe":
        found["computers"] = "yes"
    wheelchair = {"yes": "yes", "designated": "yes", "no": "no", "limited": "not_known"}
    if tags.get("wheelchair") in wheelchair:
        found["step_free"] = wheelchair[tags["wheelchair"]]
    if tags.get("service:copy") == "yes" or tags.get("printer") == "yes":
        found["printing"] = "yes"
    return found


def _hours(tags: Mapping[str, str], options: Options) -> dict[str, Any]:
    text = tags.get("opening_hours", "")
    if not text:
        return {}
    try:
        hours = read_osm_hours(text)
    except ValueError:
        return {"notes": (f"opening times left out, they cannot be read: {text[:80]}",)}
    return {
        "spans": hours.spans,
        "holiday_rule": hours.holiday_rule,
        "holiday_spans": hours.holiday_spans,
        "hours_source_on": day_of(tags.get("check_date:opening_hours"), options.today),
    }


def _address(tags: Mapping[str, str]) -> str:
    street = " ".join(
        part
        for part in (tags.get("addr:housenumber"), tags.get("addr:street") or tags.get("addr:place"))
        if part
    )
    parts = (tags.get("addr:housename", ""), street, tags.get("addr:suburb", ""), tags.get("addr:city", ""))
    return ", ".join(part for part in parts if part)


def _id_of(feature: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    pair = f"{clean(facts.get('type'))}/{clean(facts.get('id'))}"
    for given in (feature.get("id"), facts.get("@id"), facts.get("id"), pair):
        if isinstance(given, str) and OSM_ID.fullmatch(given):
            return given
    return ""


def point_of(geometry: Any, name: str = "") -> tuple[float, float]:
    """(lat, lng) of a point, the centroid of an area's largest outer ring, or the mean of a line.

    GeoJSON has the longitude first. Raises ValueError for a geometry without a point.
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else ""
    given: Any = geometry.get("coordinates") if isinstance(geometry, dict) else None
    try:
        if kind == "Point":
            [(lng, lat)] = _ring([given])
            return lat, lng
        if kind == "LineString":
            return _mean(_ring(given))
        if kind in {"Polygon", "MultiPolygon"}:
            outer = [given[0]] if kind == "Polygon" else [polygon[0] for polygon in given]
            return _centroid(max((_ring(ring) for ring in outer), key=lambda ring: abs(_area(ring))))
    except (TypeError, ValueError, IndexError, KeyError):
        pass
    raise ValueError(f"{name}: has no point on the map".removeprefix(": "))


def _ring(given: Any) -> Ring:
    ring = [(number(pair[0]), number(pair[1])) for pair in given]
    return [_both(x, y) for x, y in ring]


def _both(x: float | None, y: float | None) -> tuple[float, float]:
    if x is None or y is None:
        raise ValueError("a coordinate is no number")
    return x, y


def _mean(ring: Ring) -> tuple[float, float]:
    own = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    return sum(y for _x, y in own) / len(own), sum(x for x, _y in own) / len(own)


def _area(ring: Ring) -> float:
    """Twice the signed area, measured from the ring's first point so that small houses keep their figures."""
    x0, y0 = ring[0]
    return sum(
        (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True)
    )


def _centroid(ring: Ring) -> tuple[float, float]:
    twice = _area(ring)
    if abs(twice) < 1e-14:
        return _mean(ring)
    x0, y0 = ring[0]
    lng = lat = 0.0
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        part = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        lng += (x1 + x2 - 2 * x0) * part
        lat += (y1 + y2 - 2 * y0) * part
    return round(y0 + lat / (3 * twice), 7), round(x0 + lng / (3 * twice), 7)
