"""A believable month of referrals: services of five invented organisations, people passed between them, notes and tasks.

Times are counted back from the moment they are made. Everybody here is invented; nobody can open what they keep, and nothing is
told to anybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.demonstration import delete_with_all
from inclusion_app.accounts.models import Membership, Organisation
from inclusion_app.accounts.services import make_organisation
from inclusion_app.core.answer_hours import after_open_hours
from inclusion_app.core.clock import LONDON
from inclusion_app.core.pins import hash_secret
from inclusion_app.core.registry import Demonstration, demonstrate
from inclusion_app.messages.models import Message
from inclusion_app.messages.sending import settings_now
from inclusion_app.people import consent_services
from inclusion_app.people import services as people
from inclusion_app.people.models import CaseloadEntry, Resident
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import (
    CaseFile,
    CaseNote,
    CaseTask,
    CityService,
    OutreachSheet,
    PublicReferral,
    Referral,
    ReferralNote,
    SavedView,
    SheetPerson,
)
from inclusion_app.referrals.services import forgetting, machine, public, sending, telling
from inclusion_app.referrals.services.machine import Said

CHARITY, LIBRARY, WORK = (
    "Red Door (demonstration)",
    "Elm Row Library (demonstration)",
    "Cobden Yard Work Team (demonstration)",
)
# Two more that have nobody who signs in: a health team by the public form, a partner by links.
LINK_WORKERS, PARTNER = "Brook Lane Link Workers (demonstration)", "Lantern Advice (demonstration)"
MORE = {LINK_WORKERS: "health", PARTNER: "voluntary"}
FORM = "demonstration "
FRESH = timedelta(days=21)


@dataclass(frozen=True)
class Service:
    """One service of the directory."""

    organisation: str
    name: str
    helps: str
    summary: str
    phone: str
    is_public: bool = False
    places: int | None = None
    reply_days: int = 5
    partner_email: str | None = None


SERVICES: Mapping[str, Service] = {
    "desk": Service(CHARITY, "Sit beside you", "digital device",
                    "A helper sits beside you, at our door or at your library. No question is too small.",
                    "0161 496 0222", is_public=True, reply_days=2),
    "library": Service(LIBRARY, "Computer help desk", "digital course",
                       "Book an hour at a computer with somebody who knows it. Bring your own phone if you like.",
                       "0161 496 0111", is_public=True, places=12, reply_days=3, partner_email="desk@elm-row.example.org"),
    "work": Service(WORK, "Work coaches", "work money",
                    "We look for work with you: a CV, an application, what you can claim meanwhile.",
                    "0161 496 0333"),
    "walks": Service(LINK_WORKERS, "Social prescribing", "health family",
                     "A link worker asks what matters to you and finds people and groups near you.",
                     "0161 496 0444", is_public=True, places=20, partner_email="links@brook-lane.example.org"),
    "advice": Service(PARTNER, "Money and housing advice", "money housing law",
                      "Debt, rent and papers. We have no account here and answer by a link.",
                      "0161 496 0555", places=4, reply_days=4, partner_email="advice@lantern.example.org"),
}  # fmt: skip
# Name, language, and what they need; the first seven are on the caseload.
PEOPLE = (
    ("Maryam", "ur"), ("George", "en"), ("Idris", "ar"), ("Pauline", "en"), ("Shanaz", "ur"), ("Kofi", "en"), ("Edith", "en"),
    ("Rashid", "en"),
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """One referral: whose, to which service, how many hours ago, why, and what was done since, in order."""

    person: int
    service: str
    hours: int
    why: str
    done: tuple[str, ...] = ()
    mode: str = "cold"
    urgency: str = "usual"
    sender: str = CHARITY
    items: tuple[str, ...] = ("identity", "contact")


SENT = (
    Sent(0, "library", 3, "She would like to practise writing to her daughter abroad."),
    Sent(1, "walks", 26, "He has been alone a lot since he moved and would like company.", ("acknowledge",)),
    Sent(2, "work", 96, "He looks for work in a kitchen and needs help with the forms.", ("acknowledge", "accept")),
    Sent(3, "advice", 120, "Her rent went up and she has letters she does not understand.", ("acknowledge", "ask")),
    Sent(4, "library", 140, "She wants a class with other women on a weekday morning.", ("acknowledge", "waitlist")),
    Sent(5, "walks", 260, "He would like to walk with others and to learn to find places on his phone.",
         ("acknowledge", "accept", "begin"), mode="warm", items=("identity", "contact", "needs")),
    Sent(6, "advice", 190, "She is afraid of a letter about a debt.", ("acknowledge", "decline")),
    Sent(0, "work", 330, "She would like to know which work she may do beside her course.",
         ("acknowledge", "accept", "begin", "close")),
    Sent(1, "library", 60, "He wants to know when the quiet hour is.", mode="signposted", items=()),
    Sent(7, "desk", 5, "He has to do everything online now and has nobody to show him.", sender=WORK),
    Sent(6, "desk", 1, "She cannot get into her bank and needs it for the rent.", urgency="urgent", sender=WORK),
)  # fmt: skip
SAID: Mapping[str, Said] = {
    "ask": Said(words="Which letters does she have? Can she bring them on Thursday?"),
    "decline": Said(reason="no_capacity", words="We can take somebody again next month."),
    "close": Said(outcome="got_help", words="They know where to look now and came back once."),
}
# A season of referrals that are over, so that the figures show something: who sent it, after how many hours of work it was
# seen, decided and begun, and what came of it. One more every four days, the last one six weeks ago.
SEASON: tuple[tuple[str, tuple[int, int, int], str], ...] = (
    *((LIBRARY, (hours, 8 + 2 * hours, 10 + 5 * hours), "got_help") for hours in range(1, 10)),
    *((WORK, (20 + hours, 42 + hours, 82 + 6 * hours), "met_elsewhere") for hours in range(6)),
)
NOTES = (
    (
        0,
        "visit",
        9,
        "We opened the library page together. She found the opening hours herself the second time.",
        True,
    ),
    (1, "call", 4, "He asked whether somebody could go with him the first time. I said I would ask.", False),
    (
        5,
        "outreach",
        11,
        "Met at the breakfast club. He has a phone, no charger. Wants to walk, not to sit.",
        False,
    ),
)


def load(session: Session, now: datetime) -> str:
    """Make them where there are none that are young and live. Returns a line for the terminal."""
    young = exists().where(
        Referral.form_key.startswith(FORM),
        Referral.status.in_(sorted(rules.LIVE)),
        Referral.made_at > now - FRESH,
    )
    if session.scalar(select(young)):
        return ""
    found = dict(
        session.execute(
            select(Organisation.name, Organisation.id).where(
                Organisation.is_demonstration, Organisation.name.in_((CHARITY, LIBRARY, WORK))
            )
        ).all()
    )
    if len(found) < 3:
        return ""
    remove(session)
    made = _Maker(session, found, now).make()
    return f"demonstration: {made} people passed from one agency to another"


class _Maker:
    """What one loading needs at hand."""

    def __init__(self, session: Session, organisations: dict[str, int], now: datetime) -> None:
        self.session, self.now = session, now
        self.today: date = now.astimezone(LONDON).date()
        self.organisations = dict(organisations)
        self.services: dict[str, CityService] = {}
        self.people: list[Resident] = []
        self.caseworker = self._staff("caseworker")
        self.secret_hash = hash_secret(secrets.token_urlsafe(24), settings_now().secret_key)

    def make(self) -> int:
        """Everything; how many people."""
        for name, kind in MORE.items():
            made = make_organisation(
                self.session, name=name, kind=kind, actor=None, now=self.now, is_demonstration=True
            )
            self.organisations[name] = made.id
        for key, service in SERVICES.items():
            self._service(key, service)
        for place, (name, language) in enumerate(PEOPLE):
            self._person(name, language, on_caseload=place < 7)
        for number in range(len(SEASON)):
            self._send_long_ago(number)
        sent = [self._send(number, one) for number, one in enumerate(SENT)]
        self._from_outside(is_confirmed=True)
        self._from_outside(is_confirmed=False)
        self._case(sent)
        self._tell_nobody()
        return len(self.people)

    def _staff(self, role: str, organisation: str = CHARITY) -> int | None:
        found = select(Membership.staff_id).where(
            Membership.organisation_id == self.organisations[organisation], Membership.role == role,
            Membership.until_at.is_(None),
        )  # fmt: skip
        return self.session.scalar(found.order_by(Membership.id).limit(1))

    def _service(self, key: str, shown: Service) -> None:
        row = CityService(
            organisation_id=self.organisations[shown.organisation], name=shown.name, helps=shown.helps, summary=shown.summary,
            phone=shown.phone, is_public=shown.is_public, places=shown.places, reply_days=shown.reply_days,
            partner_email=shown.partner_email, duty_staff_id=self._staff("caseworker", shown.organisation),
            made_at=self.now - timedelta(days=200),
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        self.services[key] = row

    def _person(self, name: str, language: str, *, on_caseload: bool) -> None:
        at = self.now - timedelta(days=40)
        person = people.make_resident(
            self.session, secret_kind="pin",  # noqa: S106 - which kind, not a secret
            secret_hash=self.secret_hash, nickname=None, pin_for_everything=True, language=language,
            now=self.now - timedelta(days=150),
        )  # fmt: skip
        person.name, person.read, person.last_used_at = name, language, self.now
        # No such street: whoever is referred unseen gave a way to be reached, and nothing is ever sent there.
        person.address = f"{len(self.people) + 1} Demonstration Street"
        self.people.append(person)
        self.session.flush()
        if not on_caseload or self.caseworker is None:
            return
        charity = self.organisations[CHARITY]
        consent_services.give_consent(
            self.session, resident_id=person.id, organisation_id=charity, items=("identity", "contact", "needs", "plan"),
            purpose="help", how="screen", language=language, now=at,
        )  # fmt: skip
        self.session.add(
            CaseloadEntry(
                organisation_id=charity, staff_id=self.caseworker, resident_id=person.id, since_at=at
            )
        )
        self.session.flush()

    def _send(self, number: int, shown: Sent) -> Referral:
        at, person = self.now - timedelta(hours=shown.hours), self.people[shown.person]
        is_own = shown.sender == CHARITY
        warm = {
            "introduced_how": "together", "introduced_on": at.astimezone(LONDON).date(), "introduced_to": "Kim, link worker",
        } if shown.mode == "warm" else {}  # fmt: skip
        wanted = sending.Wanted(
            form_key=f"{FORM}{number}", mode=shown.mode, why=shown.why, items=shown.items, how="screen", has_yes=True,
            urgency=shown.urgency, language=person.language, **warm,  # type: ignore[arg-type]
        )  # fmt: skip
        row = sending.refer(
            self.session, resident=person, service=self.services[shown.service],
            sender_id=self.organisations[shown.sender], staff_id=self.caseworker if is_own else None, wanted=wanted,
            today=at.astimezone(LONDON).date(), now=at,
        )  # fmt: skip
        # What was done since, one after the other, and the last of it an hour ago.
        steps = len(shown.done)
        for step, action in enumerate(shown.done, 1):
            when = at + (self.now - timedelta(hours=1) - at) * step / (steps + 1)
            said = SAID.get(action, machine.NOTHING)
            if action == "waitlist":
                said = Said(promised_on=self.today + timedelta(days=20))
            machine.act(self.session, referral=row, actor=rules.RECEIVER, action=action, said=said, now=when)
        return row

    def _send_long_ago(self, number: int) -> None:
        """One that is over: seen, decided, begun after so many hours of work, and ended two days later."""
        sender, hours, outcome = SEASON[number]
        at, person = self.now - timedelta(days=42 + 4 * number), self.people[number % len(self.people)]
        wanted = sending.Wanted(
            form_key=f"{FORM}season {number}", mode="cold", why="Would like to do more online and has nobody to ask.",
            items=("identity", "contact"), how="screen", has_yes=True, urgency="usual", language=person.language,
        )  # fmt: skip
        row = sending.refer(
            self.session, resident=person, service=self.services["desk"], sender_id=self.organisations[sender], staff_id=None,
            wanted=wanted, today=at.astimezone(LONDON).date(), now=at,
        )  # fmt: skip
        for action, open_hours in zip(("acknowledge", "accept", "begin", "close"), (*hours, 16), strict=True):
            at = after_open_hours(at, open_hours, ())
            said = Said(outcome=outcome) if action == "close" else machine.NOTHING
            machine.act(self.session, referral=row, actor=rules.RECEIVER, action=action, said=said, now=at)

    def _from_outside(self, *, is_confirmed: bool) -> None:
        """What a surgery sent by the public form: one that its sender confirmed, one that waits for it."""
        at = self.now - timedelta(hours=4 if is_confirmed else 1)
        asked = public.Asked(
            form_key=f"{FORM}public {int(is_confirmed)}", from_kind="health", from_name="Jo Marsh",
            from_organisation="Brook Lane Surgery", from_email="jo.marsh@brook-lane.example.org",
            about_name="Beatrice", about_contact="07700 900456",
            why="She would like to see her appointments on her phone and needs somebody patient.", said_yes=True,
            language="en",
        )  # fmt: skip
        row = public.ask(
            self.session,
            service=self.services["desk"],
            asked=asked,
            link_of=lambda token: f"/{token}",
            now=at,
        )
        if is_confirmed and row is not None:
            facts = self.session.get_one(PublicReferral, row.id)
            public.confirm(self.session, public=facts, now=at + timedelta(minutes=10))

    def _case(self, sent: list[Referral]) -> None:
        """Notes, what is to be done, and a sheet that was printed yesterday."""
        charity = self.organisations[CHARITY]
        rows = []
        for place, (person, kind, days, words, is_shareable) in enumerate(NOTES):
            at = self.now - timedelta(days=days)
            note = CaseNote(
                form_key=f"{FORM}note {place}", resident_id=self.people[person].id, organisation_id=charity,
                author_id=self.caseworker, kind=kind, happened_on=at.astimezone(LONDON).date(), written_at=at, words=words,
                is_shareable=is_shareable,
            )  # fmt: skip
            self.session.add(note)
            rows.append(note)
        for place, (person, days, words) in enumerate(
            ((0, 2, "Ask whether the tablet fits her."), (3, -1, "Bring the letters to Lantern Advice."))
        ):
            self.session.add(
                CaseTask(
                    key=f"{FORM}task {place}", organisation_id=charity, owner_id=self.caseworker,
                    resident_id=self.people[person].id, kind="own", words=words, due_on=self.today + timedelta(days=days),
                    made_at=self.now - timedelta(days=5),
                )
            )  # fmt: skip
        sheet = OutreachSheet(
            organisation_id=charity, staff_id=self.caseworker, made_at=self.now - timedelta(days=1)
        )
        self.session.add(sheet)
        self.session.flush()
        for place, resident in enumerate(self.people[:4], 1):
            self.session.add(SheetPerson(sheet_id=sheet.id, resident_id=resident.id, place=place))
        # The note about walking goes with the referral to the link workers.
        self.session.add(ReferralNote(referral_id=sent[5].id, note_id=rows[2].id))
        self.session.flush()

    def _tell_nobody(self) -> None:
        """Everybody is invented, so no message about it leaves."""
        _delete_messages(
            self.session, list(self.session.scalars(select(Referral.id).where(Referral.form_key.startswith(FORM))))
        )  # fmt: skip


def _delete_messages(session: Session, numbers: list[int]) -> None:
    session.flush()
    for number in numbers:
        about = telling.about_number(number)
        told = or_(Message.about == about, Message.key.startswith(f"{about} "))
        session.execute(delete(Message).where(told))
    session.expire_all()


def remove(session: Session) -> None:
    """Take it away with all that hangs on it, and the invented people; whoever tried it out keeps their own plan."""
    holders = select(Organisation.id).where(Organisation.is_demonstration)
    mine = or_(Referral.organisation_id.in_(holders), Referral.sender_id.in_(holders))
    invented = {
        *session.scalars(select(Referral.resident_id).where(Referral.form_key.startswith(FORM))),
        *session.scalars(select(CaseNote.resident_id).where(CaseNote.form_key.startswith(FORM))),
    }
    numbers = list(session.scalars(select(Referral.id).where(mine)))
    forgetting.delete_referrals(session, numbers)
    _delete_messages(session, numbers)
    for model in (CaseTask, CaseNote, CaseFile, OutreachSheet, SavedView):
        session.execute(delete(model).where(model.organisation_id.in_(holders)))
    known = {one for one in invented if one is not None}
    for resident in session.scalars(select(Resident).where(Resident.id.in_(known))).all():
        people.delete_resident(session, resident=resident, now=resident.last_used_at)
    tables = CityService.metadata.tables
    services, organisations = tables["city_services"], tables["organisations"]
    delete_with_all(session, services, services.c.organisation_id.in_(holders))
    ours = select(Organisation.id).where(Organisation.is_demonstration, Organisation.name.in_(MORE))
    delete_with_all(session, organisations, organisations.c.id.in_(ours))
    session.expire_all()


demonstrate(Demonstration("referrals", load, remove))
