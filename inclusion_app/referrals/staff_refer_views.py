"""Choose a service for somebody, then send them there: what is shared item by item, with their yes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.core.access import Principal, record_act, shows_person, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.people import contact
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people_queries
from inclusion_app.people import rules as people_rules
from inclusion_app.people import services as people_services
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.models import Resident
from inclusion_app.people.staff_forms import language_name
from inclusion_app.people.staff_views import safe_words
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_directory_queries as directory
from inclusion_app.referrals import staff_refer_forms as forms
from inclusion_app.referrals import staff_refer_queries as queries
from inclusion_app.referrals.models import CityService, Referral
from inclusion_app.referrals.services import sending, telling
from inclusion_app.referrals.services.directory import nobody_reads
from inclusion_app.referrals.staff_directory_views import help_asked_for, words_for_pages
from inclusion_app.referrals.views import room

PERSON = "/staff/people/<int(max=999999999):resident_id>/refer"
SENT = N_("It is sent. The person is told by the ways they chose.")
SENT_UNTOLD = N_("It is sent. There is no safe way to send the person a message: tell them yourself.")
WRITTEN_DOWN = N_("It is written down. You are reminded to ask whether it helped.")
# These are booked or asked for with us, and reach the city's schemes as such: see the pages of those rooms.
OURS = frozenset({"course", "device"})
STEPS_SHOWN = 5


def _person(resident_id: int) -> Resident | None:
    return queries.person_for(db_session(), the_staff(), resident_id)


def _parent(resident_id: int) -> Referral | None:
    """The referral for which another way is looked for. 404 for a number that is not one of ours that ended so."""
    typed = request.values.get("parent", "")
    if not typed:
        return None
    found = queries.parent_for(db_session(), the_staff(), number_of(typed), resident_id=resident_id)
    return found or abort(404)


@room.page(PERSON, allow=policy.REFER, load=_person, reads=("identity",), localised=False)
def choose(resident: Resident) -> Any:
    """The services for this person, those that take them now first; where there is none, the other ways on."""
    session, principal, asked = db_session(), the_staff(), help_asked_for()
    parent = _parent(resident.id)
    choices = sending.services_for(
        session, resident=resident, sender_id=principal.organisation_id or 0, help_with=asked
    )
    if parent is not None:
        # Named as the better one: it comes first, if they can be sent there at all.
        choices.sort(key=lambda one: one.service.id != parent.better_id)
    page = page_number(len(choices), directory.ON_A_PAGE)
    seen = choices[(page - 1) * directory.ON_A_PAGE : page * directory.ON_A_PAGE]
    shows_person(resident.id, "identity", *(("safe contact",) if resident.safe_contact else ()))
    return render_template(
        "referrals/staff/choose.html",
        **_about_person(session, principal, resident),
        choices=seen,
        asked=asked,
        nobody=sending.why_nobody(choices),
        parent=parent,
        replies=directory.reply_days(session, [one.service.id for one in seen], now=now()),
        under_way=queries.under_way(session, principal, resident.id),
        ours=asked in OURS,
        total=len(choices),
        page=page,
        pages=-(-len(choices) // directory.ON_A_PAGE),
        kept={
            "resident_id": resident.id,
            "help": asked or None,
            "parent": parent.id if parent else None,
        },
        form=None,
        **words_for_pages(),
    )


def _about_person(session: Session, principal: Principal, resident: Resident) -> dict[str, Any]:
    """Who it is and how never to reach them, for the head of the page."""
    return {
        "resident_id": resident.id,
        "name": resident.name or resident.nickname or "",
        "safe": safe_words(session, resident),
        "may_edit": people_policy.TABLE.allows(session, "resident.edit", principal, resident.id),
    }


@dataclass(frozen=True)
class Sending:
    """One person and one service; under the number of the person, for that is what the right is asked for."""

    id: int
    resident: Resident
    service: CityService


def _sending(resident_id: int, service_id: int) -> Sending | None:
    resident = _person(resident_id)
    service = queries.service_to_send(db_session(), service_id) if resident is not None else None
    return Sending(resident.id, resident, service) if resident is not None and service is not None else None


@room.page(
    f"{PERSON}/<int(max=999999999):service_id>", allow=policy.REFER, load=_sending, methods=("GET", "POST"),
    reads=people_rules.ITEMS, localised=False,
)  # fmt: skip
def refer_to(found: Sending) -> Any:
    """Send somebody to a service with the person present: all that is wrong is said at once, and nothing typed is lost."""
    session, principal, moment = db_session(), the_staff(), now()
    resident, service, number = found.resident, found.service, found.id
    parent = _parent(number)
    notes = queries.notes_to_offer(session, principal, number)
    form = forms.ReferForm(notes=[(one.note.id, _note_line(one)) for one in notes])
    language = i18n.language_for(resident.spoken, resident.read, resident.language)
    who: dict[str, Any] = {
        "resident": resident,
        "service": service,
        "sender_id": principal.organisation_id or 0,
    }
    if request.method == "GET":
        form.form_key.data = secrets.token_urlsafe(16)
        form.why.data = queries.why_of(session, parent) if parent else ""
    else:
        # A form without its key is somebody's own making: it is still one form, and no other.
        form.form_key.data = (form.form_key.data or secrets.token_urlsafe(16))[: forms.KEY_LENGTH]
        wanted = form.wanted(
            key=f"{principal.staff_id} {form.form_key.data}",
            language=i18n.language_for(resident.read, resident.language).slug,
            parent_id=parent.id if parent else None,
        )
        form.check()
        known = sending.sent_by(session, **who, form_key=wanted.form_key)
        if known is not None:
            return _to(known)
        for broken in sending.whats_against(session, **who, wanted=wanted, today=today()):
            form.refuse(broken)
        if form.is_good:
            try:
                sent = sending.refer(
                    session, **who, staff_id=principal.staff_id, wanted=wanted, today=today(), now=moment
                )
                record_act(
                    session, principal, action="refer a person", resident_id=number,
                    items=("referral", *wanted.items, *(("notes",) if wanted.note_ids else ())), now=moment,
                )  # fmt: skip
                told = telling.can_tell(session, sent, now=moment)
                flash((SENT if told else SENT_UNTOLD) if form.shares else WRITTEN_DOWN)
                return _to(sent)
            except RuleBroken as broken:
                form.refuse(broken)
        session.rollback()
    return _refer_page(session, principal, found, form, parent, language, notes)


def _to(referral: Referral) -> Any:
    return redirect(url_for("referrals.referral", referral_id=referral.id), 303)


def _note_line(offered: queries.NoteOffered) -> str:
    """A note to tick: its day, how it came about, all its words and what was added."""
    note = offered.note
    words = " ".join(one.words for one in (note, *offered.added))
    return _(
        "%(day)s, %(kind)s: %(words)s",
        day=i18n.day_words(note.happened_on), kind=_(rules.NOTE_KINDS[note.kind]), words=words,
    )  # fmt: skip


def _refer_page(
    session: Session,
    principal: Principal,
    found: Sending,
    form: forms.ReferForm,
    parent: Referral | None,
    language: i18n.Language,
    notes: list[queries.NoteOffered],
) -> Any:
    resident, service = found.resident, found.service
    seen = people_queries.parts_seen(session, principal, resident.id)
    parts = [item for item in rules.SHARED if item in seen]
    who: dict[str, Any] = {
        "resident": resident,
        "service": service,
        "sender_id": principal.organisation_id or 0,
    }
    # Where no place is free and none is waited for they may still be told where to go.
    against = sending.against_service(session, **who, only_told=True)
    is_full = not against and bool(sending.against_service(session, **who))
    more = {"safe contact": resident.safe_contact, "notes": notes, "referral": parent}
    shows_person(resident.id, *(parts or ["identity"]), *(name for name, shown in more.items() if shown))
    page = render_template(
        "referrals/staff/refer.html",
        **_about_person(session, principal, resident),
        form=form,
        service=service,
        parent=parent,
        # At the first look; afterwards it stands among the errors of the form.
        against=against if request.method == "GET" else [],
        is_full=is_full,
        nobody_reads=nobody_reads(session, service),
        told_only=is_full and form.mode.data not in {"warm", "cold"},
        before=queries.under_way(session, principal, resident.id).get(service.id),
        replies=directory.reply_days(session, [service.id], now=now()),
        ward_names=directory.ward_names(session, service.wards.split()),
        shown_of=_shown_of(session, resident, parts),
        aloud=_read_aloud(service, language),
        items_aloud=_items_aloud(language),
        tongue=language,
        spoken=language_name(resident.spoken)
        if resident.spoken not in {None, "", "en"} and language is i18n.ENGLISH
        else "",
        **words_for_pages(),
    )
    return page, 422 if form.errors or form.form_errors else 200


def _read_aloud(service: CityService, language: i18n.Language) -> list[tuple[str, str]]:
    """What the person is told before they say yes: each sentence in their language and in English."""
    lines = (*people_rules.WORDINGS[people_rules.WORDING], *rules.READ_ALOUD)
    name = service.organisation.name
    with i18n.speaking(language):
        own = [_(rules.GOES_TO, organisation=name), *(_(line) for line in lines)]
    return list(zip(own, [rules.GOES_TO % {"organisation": name}, *lines], strict=True))


def _items_aloud(language: i18n.Language) -> list[tuple[str, str]]:
    """What can be shared, as it is said to the person."""
    with i18n.speaking(language):
        own = [_(people_rules.ITEM_WORDS[item]) for item in rules.SHARED]
    return list(zip(own, (people_rules.ITEM_WORDS[item] for item in rules.SHARED), strict=True))


def _shown_of(session: Session, resident: Resident, parts: list[str]) -> dict[str, list[str] | None]:
    """What each item would show of this person, in words; None for what is not shared with us either."""
    nothing = [_("Nothing was said.")]
    found: dict[str, list[str] | None] = dict.fromkeys(rules.SHARED)
    if "identity" in parts:
        spoken = (resident.spoken, resident.read)
        area = (
            people_services.WARD_NAME[0](session, resident.ward)
            if resident.ward and people_services.WARD_NAME
            else "",
            resident.postcode_sector,
        )
        age = _(people_rules.AGE_BANDS[resident.age_band]) if resident.age_band else ""
        said = [resident.name, *(language_name(code) for code in dict.fromkeys(spoken) if code), age, *area]
        found["identity"] = [one for one in said if one] or nothing
    if "contact" in parts:
        routes = people_queries.routes_of(session, resident.id)
        said = [contact.show_value(one.kind, one.value) if one.value else _(people_rules.ROUTES[one.kind])
                for one in routes]  # fmt: skip
        found["contact"] = [one for one in (*said, resident.address) if one] or nothing
    if "needs" in parts:
        chosen = (resident.needs or {}).get("needs", [])
        found["needs"] = [
            _(people_rules.NEEDS[one]) for one in chosen if one in people_rules.NEEDS
        ] or nothing
    if "plan" in parts:
        steps = people_services.PLAN_OF[0](session, resident.id) if people_services.PLAN_OF else []
        left = len(steps) - STEPS_SHOWN
        more = [_("and %(count)s more", count=left)] if left > 0 else []
        found["plan"] = [*(title for title, _state in steps[:STEPS_SHOWN]), *more] or [_("No plan yet.")]
    return found
