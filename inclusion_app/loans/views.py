"""Pages of the loan scheme for residents: what can be borrowed, how we choose, and what to do with a device somebody found."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE, Room, current_principal, current_staff, shows_nobody
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.sessions import current_visit
from inclusion_app.loans import carbon, queries, wording
from inclusion_app.loans.offers_for_steps import loans_of
from inclusion_app.loans.policy import RUN_UNIT
from inclusion_app.loans.reuse import carbon_saved
from inclusion_app.loans.rules import POINTS_A_WEEK, PURPOSES, REASONS, SETTINGS
from inclusion_app.loans.services.stock import unit_by_mark
from inclusion_app.places import queries as places
from inclusion_app.places import wording as place_words

room = Room("loans", __name__)


@room.page("/loans", allow=ANYONE, reads=("loan",))
def what() -> Any:
    """What can be borrowed, for how long and for nothing, about how long one waits, and whom to speak to.

    Who has their record open with PIN or pictures sees what they asked for or have; everybody else how to come back to it.
    """
    session, principal = db_session(), current_principal()
    is_open = principal.kind == "resident"
    mine = loans_of(session, principal.resident_id) if is_open and principal.resident_id else []
    if not mine:
        shows_nobody()
    schemes = queries.open_schemes(session)
    models = queries.offered_models(session, schemes)
    offered = [
        {
            "model": one.model,
            "words": wording.model_words(one.model),
            "features": wording.feature_words(one.model),
            "length": wording.length_words(one.model),
            "wait": wording.wait_words(one.weeks),
        }
        for one in queries.with_wait(session, models, now=now())
    ]
    return render_template(
        "loans/what.html", offered=offered, purposes=list(PURPOSES.values()), settings=list(SETTINGS.values()),
        mine=mine, is_open=is_open, **speak_to(),
    )  # fmt: skip


@room.page("/loans/how-we-choose", allow=ANYONE)
def how_we_choose() -> Any:
    """The points of the queue, as each open scheme has them, in words and figures."""
    schemes = queries.open_schemes(db_session())
    return render_template(
        "loans/how_we_choose.html",
        schemes=[
            (
                scheme.organisation.name if len(schemes) > 1 else "",
                [(words, scheme.points.get(code, 0)) for code, words in REASONS.items() if scheme.points.get(code)],
            )
            for scheme in schemes
        ],
        a_week=POINTS_A_WEEK,
        carbon=carbon,
        saved=carbon_saved(db_session()),
        **speak_to(),
    )  # fmt: skip


def speak_to(*, most: int = 3) -> dict[str, Any]:
    """Whom to speak to: the phone of each open scheme, and the places that have devices, the nearest first."""
    session, visit = db_session(), current_visit()
    schemes = queries.open_schemes(session)
    where = places.where_of_near(visit.near if visit else None)
    found = queries.places_of(session, [scheme.organisation_id for scheme in schemes], where, most=most)
    return {
        "phones": list(dict.fromkeys(scheme.phone for scheme in schemes if scheme.phone)),
        "places": [(one.place, place_words.metres_words(one.metres, from_edge=False)) for one in found],
    }


# --- a device somebody found


@room.page("/d/<tag>", allow=ANYONE, localised=False)
def scanned(tag: str) -> Response:
    """What the label of a device opens. Who has it is told to nobody: of every tag, known or not, this answers alike.

    Only whoever of the staff is signed in and runs the pool it belongs to comes to its own page.
    """
    staff = current_staff()
    if staff is not None and staff.organisation_id is not None and RUN_UNIT.may_at_all(staff):
        unit = unit_by_mark(db_session(), holder_id=staff.organisation_id, typed=tag[:200])
        if unit is not None:
            # The page of a unit has this address whoever is asked for it; it asks for the right itself.
            return redirect(f"/staff/loans/units/{unit.id}", 303)
    asked = i18n.known(request.args.get("l", ""))
    reader = asked if asked and asked.released else i18n.preferred(request, None)
    response = redirect(url_for("loans.found_device", language=reader.slug), 303)
    response.vary.add("Accept-Language")
    return response


@room.page("/found-device", allow=ANYONE)
def found_device() -> Any:
    """What to do with a device somebody found: the nearest place, and whom to phone."""
    return render_template("loans/found.html", **speak_to())
