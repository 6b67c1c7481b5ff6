"""What this room holds of a resident, part by part: in plain words for their own page, as data for their download."""

from __future__ import annotations

from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core import i18n, registry
from inclusion_app.core.registry import Fact, Holding
from inclusion_app.core.sessions import Visit
from inclusion_app.core.words import N_
from inclusion_app.people import contact, queries, request_queries, rules, services
from inclusion_app.people.models import (
    AccessRequest,
    BreakGlass,
    CaseloadEntry,
    Merge,
    Resident,
    ResidentLink,
)


def _day(moment: Any) -> str:
    return i18n.day_words(i18n.local(moment).date())


def _language(code: str) -> str:
    if code == "bfi":
        return i18n.translated(rules.NEEDS["bsl"])
    locale = get_locale()
    return str(locale.languages.get(code, code)) if locale else code


def _identity(session: Session, resident_id: int) -> list[Fact]:
    one = session.get(Resident, resident_id)
    if one is None:
        return []
    ward = services.WARD_NAME[0](session, one.ward) if one.ward and services.WARD_NAME else one.ward or ""
    said = [
        Fact(N_("Your name"), one.name or ""),
        Fact(N_("Nickname on your paper"), one.nickname or ""),
        Fact(N_("Language you speak"), _language(one.spoken) if one.spoken else ""),
        Fact(N_("Language you read"), _language(one.read) if one.read else ""),
        Fact(N_("Age group"), _(rules.AGE_BANDS.get(one.age_band or "", "")) if one.age_band else ""),
        Fact(N_("Your area"), " ".join(part for part in (ward, one.postcode_sector) if part)),
        Fact(N_("Kept out of every search"), _("Yes") if one.is_restricted else ""),
        Fact(N_("Kept since"), _day(one.made_at)),
    ]
    kept = [Fact(N_("Kept from"), who.name) for who in queries.kept_from(session, resident_id)]
    return [fact for fact in (*said, *kept) if fact.value]


def _export_identity(session: Session, resident_id: int) -> dict[str, Any]:
    one = session.get(Resident, resident_id)
    if one is None:
        return {}
    plain = (
        "name",
        "nickname",
        "language",
        "spoken",
        "read",
        "age_band",
        "ward",
        "postcode_sector",
        "is_restricted",
    )
    return {
        **{name: getattr(one, name) for name in plain},
        "made_at": one.made_at.isoformat(),
        "last_used_at": one.last_used_at.isoformat(),
        "kept_from": [who.name for who in queries.kept_from(session, resident_id)],
    }


def _contact(session: Session, resident_id: int) -> list[Fact]:
    one = session.get(Resident, resident_id)
    if one is None:
        return []
    facts = [
        Fact(
            rules.ROUTES[route.kind], contact.show_value(route.kind, route.value) if route.value else _("Yes")
        )
        for route in queries.routes_of(session, resident_id)
    ]
    rule = one.safe_contact or {}
    if one.address:
        facts.append(Fact(N_("Address for letters"), _(", ").join(one.address.splitlines())))
    facts += [Fact(said, _("Yes")) for name, said in rules.NEVER.items() if rule.get(name)]
    if rule.get("hours"):
        facts.append(Fact(N_("Call only between"), "–".join(rule["hours"])))
    through = queries.names_of(
        session, staff=rule.get("not_staff") or [], organisations=rule.get("not_organisations") or []
    )
    facts += [Fact(N_("Never through"), name) for name in through]
    if rule.get("interpreters_to_avoid"):
        facts.append(Fact(N_("Interpreters to avoid"), rule["interpreters_to_avoid"]))
    return facts


def _export_contact(session: Session, resident_id: int) -> dict[str, Any]:
    one = session.get(Resident, resident_id)
    return {
        "routes": [
            {"kind": route.kind, "value": route.value, "of_an_adult": route.is_adults}
            for route in queries.routes_of(session, resident_id)
        ],
        "address": one.address if one else None,
        "safe_contact": one.safe_contact if one else None,
    }


def _needs_of(session: Session, resident_id: int) -> list[str]:
    one = session.get(Resident, resident_id)
    return list((one.needs or {}).get("needs", [])) if one else []


def _needs(session: Session, resident_id: int) -> list[Fact]:
    chosen = [need for need in _needs_of(session, resident_id) if need in rules.NEEDS]
    return [Fact(N_("You need"), _(rules.NEEDS[need])) for need in chosen]


def _consents(session: Session, resident_id: int) -> list[Fact]:
    return [
        Fact(
            N_("You share with"),
            f"{shared.organisation}: "
            + _(", ").join(_(rules.ITEM_WORDS.get(item, item)) for item in shared.items)
            + f". {_day(shared.consent.given_at)} – {_day(shared.consent.withdrawn_at or shared.consent.until_at)}",
        )
        for shared in queries.consents_of(session, resident_id)
    ]


def _export_consents(session: Session, resident_id: int) -> dict[str, Any]:
    return {
        "consents": [
            {
                "organisation": shared.organisation,
                "items": shared.items,
                **{
                    name: getattr(shared.consent, name)
                    for name in ("purpose", "basis", "wording", "language", "how")
                },
                "given_at": shared.consent.given_at.isoformat(),
                "until_at": shared.consent.until_at.isoformat(),
                "withdrawn_at": shared.consent.withdrawn_at.isoformat()
                if shared.consent.withdrawn_at
                else None,
            }
            for shared in queries.consents_of(session, resident_id)
        ]
    }


def _workers(session: Session, resident_id: int) -> list[tuple[str, str, str]]:
    rows = session.execute(
        select(Staff.name, Organisation.name, CaseloadEntry.since_at)
        .join(Staff, Staff.id == CaseloadEntry.staff_id)
        .join(Organisation, Organisation.id == CaseloadEntry.organisation_id)
        .where(CaseloadEntry.resident_id == resident_id)
        .order_by(CaseloadEntry.since_at)
    )
    return [(person, organisation, since.isoformat()) for person, organisation, since in rows]


def _help(session: Session, resident_id: int) -> list[Fact]:
    workers = [
        Fact(N_("Your caseworker"), f"{person}, {organisation}")
        for person, organisation, _since in _workers(session, resident_id)
    ]
    links = session.scalar(
        select(func.count())
        .select_from(Merge)
        .where(
            (Merge.kept_id == resident_id) | (Merge.gone_id == resident_id),
            Merge.agreed_at.is_not(None),
            Merge.undone_at.is_(None),
        )
    )
    return [*workers, *([Fact(N_("Linked with another record of yours"), str(links))] if links else [])]


def _export_help(session: Session, resident_id: int) -> dict[str, Any]:
    return {
        "caseworkers": [
            {"name": person, "organisation": organisation, "since": since}
            for person, organisation, since in _workers(session, resident_id)
        ],
        # The other record has a download of its own; here stands only that there is one, and since when.
        "links": [
            {
                "asked_at": merge.asked_at.isoformat(),
                "agreed_at": merge.agreed_at.isoformat() if merge.agreed_at else None,
                "undone_at": merge.undone_at.isoformat() if merge.undone_at else None,
            }
            for merge in request_queries.merges_of(session, resident_id)
        ],
    }


def _looked(session: Session, resident_id: int) -> list[BreakGlass]:
    rows = (
        select(BreakGlass)
        .where(BreakGlass.resident_id == resident_id, BreakGlass.began_at.is_not(None))
        .order_by(BreakGlass.began_at)
    )
    return list(session.scalars(rows))


def _asked(session: Session, resident_id: int) -> list[AccessRequest]:
    rows = select(AccessRequest).where(AccessRequest.resident_id == resident_id).order_by(AccessRequest.id)
    return list(session.scalars(rows))


def _rights(session: Session, resident_id: int) -> list[Fact]:
    looked = [
        Fact(N_("Somebody looked in an emergency on"), _day(row.began_at))
        for row in _looked(session, resident_id)
    ]
    asked = [
        Fact(N_("You asked about your facts on"), i18n.day_words(row.received_on))
        for row in _asked(session, resident_id)
    ]
    return [*looked, *asked]


def _export_rights(session: Session, resident_id: int) -> dict[str, Any]:
    # The reason somebody typed may name others: the data-protection officer hands it out with care.
    return {
        "emergencies": [
            {"began_at": row.began_at.isoformat() if row.began_at else None, "role": row.role}
            for row in _looked(session, resident_id)
        ],
        "requests": [
            {
                "kind": row.kind, "received_on": row.received_on.isoformat(), "due_on": row.due_on.isoformat(),
                "outcome": row.outcome,
            }
            for row in _asked(session, resident_id)
        ],
    }  # fmt: skip


def _visits(session: Session, resident_id: int) -> int:
    count = select(func.count()).select_from(Visit).where(Visit.resident_id == resident_id)
    return session.scalar(count) or 0


def _screens(session: Session, resident_id: int) -> list[Fact]:
    return [Fact(N_("Screens on which your plan is open"), str(_visits(session, resident_id)))]


def _export_screens(session: Session, resident_id: int) -> dict[str, Any]:
    links = select(func.count()).select_from(ResidentLink).where(ResidentLink.resident_id == resident_id)
    return {"open_screens": _visits(session, resident_id), "links_sent": session.scalar(links) or 0}


def register() -> None:
    """Put what this room holds into the registry."""
    for holding in (
        Holding("identity", N_("Who you are"), ("residents", "restrictions"), _identity, _export_identity),
        Holding("contact", N_("How to reach you"), ("contact_routes",), _contact, _export_contact),
        Holding(
            "needs", N_("What you need"), (), _needs, lambda session, number: {"needs": _needs_of(session, number)}
        ),
        Holding("consents", N_("What you share"), ("consents",), _consents, _export_consents),
        # That somebody feared for a person is never told by a page: whoever they fear may stand beside them.
        Holding(
            "help", N_("Who helps you"), ("caseload_entries", "merges", "safeguarding_flags", "safeguarding_words"), _help,
            _export_help,
        ),
        Holding("rights", N_("Emergencies and your rights"), ("break_glasses", "access_requests"), _rights, _export_rights),
        Holding("screens", N_("Where your plan is open"), ("visits", "resident_links", "desk_papers"), _screens, _export_screens),
    ):  # fmt: skip
        registry.hold(holding)
