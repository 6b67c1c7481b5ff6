"""A believable scheme: sixty devices, somebody who waits, loans late and not, by the demonstration charity.

Days are counted from the day they are made. Everybody here is invented; nobody can open what they keep, and nothing is
told to them.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.demonstration import delete_with_all
from inclusion_app.accounts.models import Organisation
from inclusion_app.core import history
from inclusion_app.core.answer_hours import after_open_hours
from inclusion_app.core.clock import LONDON
from inclusion_app.core.pins import hash_secret
from inclusion_app.core.registry import Demonstration, demonstrate, holidays
from inclusion_app.loans.models import (
    DeviceModel,
    DeviceModelText,
    KitPart,
    Loan,
    LoanOffer,
    LoanOutcome,
    LoanRequest,
    LoanScheme,
    QuotaPool,
    RequestAnswers,
    Sim,
    StockItem,
    Unit,
)
from inclusion_app.loans.rules import POINTS, WORDING, points_of
from inclusion_app.loans.services import custody, endings, forgetting, repairs, sims
from inclusion_app.loans.services.days import due_on, follow_up_day
from inclusion_app.loans.services.requests import key_of
from inclusion_app.messages.sending import settings_now
from inclusion_app.people import consent_services
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.places.models import Place

HOLDER = "Red Door (demonstration)"
PHONE = "0161 496 0222"  # Ofcom keeps these for dramas
PLACES = ("central-library", "longsight-library-learning-centre", "newton-heath-library")
FORM = "demonstration"
HELD_FOR = 40  # answered hours
NAMES = (
    "Amina", "Grace", "Tomasz", "Fatima", "Derek", "Li Na", "Yusuf", "Maureen", "Samuel", "Hodan", "Patricia", "Ahmed",
    "Joy", "Kasia", "Winston", "Nasreen", "Colin", "Ibrahim", "Oluchi", "Beryl", "Javed", "Siobhan", "Desta", "Norman",
    "Rukhsana", "Keith", "Mei", "Abdi", "Doreen", "Farid", "Ana", "Trevor", "Sadia", "Emeka", "Joan", "Bilal", "Ewa",
    "Gloria", "Harpreet", "Stan", "Zainab", "Viola", "Omar", "Brenda", "Tariq",
)  # fmt: skip
LANGUAGES = ("en", "en", "en", "ur", "en", "ar", "en")


@dataclass(frozen=True)
class Shown:
    """One model: its words, and in which state its units are. `out` are the days until each loan is due."""

    kind: str
    name: str
    title: str
    summary: str
    features: str
    steps: str
    parts: tuple[str, ...]
    out: tuple[int, ...]
    ready: int = 0
    offered: int = 0
    waits: int = 0
    fitness: tuple[str, ...] = ()
    days: int = 90
    support_years: int = 3


# Their words in the other languages: drafts, as a coordinator would have them checked.
DRAFTS = {
    "Laptop with a camera": {
        "ur": ("کیمرے والا لیپ ٹاپ", "اسکول، کام اور فارم کے لیے۔ اس میں بٹن اور بڑی اسکرین ہے۔"),
        "ar": ("حاسوب محمول مع كاميرا", "للدراسة والعمل والنماذج. فيه مفاتيح وشاشة كبيرة."),
    },
    "Small laptop": {
        "ur": ("چھوٹا لیپ ٹاپ", "خط، فارم اور ویڈیو کال کے لیے۔ یہ ہلکا اور آسان ہے۔"),
        "ar": ("حاسوب محمول صغير", "للرسائل والنماذج ومكالمات الفيديو. خفيف وسهل."),
    },
    "Tablet": {
        "ur": ("ٹیبلٹ", "آپ اسکرین کو چھوتے ہیں۔ پڑھنے اور ویڈیو کال کے لیے اچھا ہے۔"),
        "ar": ("جهاز لوحي", "تلمس الشاشة. مناسب للقراءة ومكالمات الفيديو."),
    },
    "Phone with data": {
        "ur": ("ڈیٹا والا فون", "کال اور انٹرنیٹ کے لیے۔ اس کے ساتھ ڈیٹا ملتا ہے۔"),
        "ar": ("هاتف مع بيانات", "للمكالمات والإنترنت. تأتي معه بيانات."),
    },
    "Wi-Fi box": {
        "ur": ("وائی فائی باکس", "فون لائن کے بغیر گھر میں انٹرنیٹ۔ اسے کھڑکی کے پاس رکھیں۔"),
        "ar": ("جهاز واي فاي", "إنترنت في البيت بلا خط هاتف. ضعه قرب نافذة."),
    },
}
MODELS = (
    Shown("laptop", "ThinkPad T480", "Laptop with a camera",
          "For school, work and forms. It has keys and a big screen.", "camera big_screen keyboard", "A1 A2",
          ("charger", "mouse", "bag"), (-20, -9, -3, 1, 4, 6, 12, 20, 33, 47, 61, 75), waits=8,
          fitness=("quarantine", "wiping", "repair", "missing"), support_years=2),
    Shown("laptop", "Chromebook 3100", "Small laptop",
          "For letters, forms and video calls. It is light and easy.", "camera keyboard", "A1",
          ("charger",), (-1, 3, 8, 15, 26, 40, 58, 80), offered=2, waits=4,
          fitness=("quarantine", "quarantine", "testing", "repair")),
    Shown("tablet", "Galaxy Tab A8", "Tablet",
          "You touch the screen. Good for reading and video calls.", "camera touch screen_reader", "A1",
          ("charger", "cover"), (2, 11, 29, 55, 70), ready=5, fitness=("wiping", "testing")),
    Shown("phone", "Galaxy A14", "Phone with data",
          "For calls and the internet. It comes with data.", "camera touch data", "A1 A3",
          ("charger",), (5, 24, 66), ready=4, fitness=("intake", "retired", "quarantine")),
    Shown("hub", "M7000 Wi-Fi box", "Wi-Fi box",
          "Internet at home without a phone line. Put it by a window.", "data", "A3",
          ("charger",), (7, 18, 44), ready=4, fitness=("intake",), days=180),
)  # fmt: skip


def load(session: Session, now: datetime) -> str:
    """Make the scheme when there is none, or when all its loans are over or late. Returns a line for the terminal."""
    today = now.astimezone(LONDON).date()
    runs = (
        select(Loan.id)
        .join(Unit, Unit.id == Loan.unit_id)
        .where(Unit.is_demonstration, Loan.status == "active", Loan.due_on >= today)
    )
    if session.scalar(runs.limit(1)) is not None:
        return ""
    holder = session.scalar(
        select(Organisation.id).where(Organisation.name == HOLDER, Organisation.is_demonstration)
    )
    found = dict(session.execute(select(Place.slug, Place.id).where(Place.slug.in_(PLACES))).all())
    places = [found[slug] for slug in PLACES if slug in found]
    # Another city has other places.
    if holder is None or not places:
        return ""
    remove(session)
    made = _Maker(session, holder, places, now).make()
    return f"demonstration: {made} devices to lend, and who waits for one"


class _Maker:
    """What one loading needs at hand."""

    def __init__(self, session: Session, holder: int, places: Sequence[int], now: datetime) -> None:
        self.session, self.holder, self.places, self.now = session, holder, places, now
        self.today: date = now.astimezone(LONDON).date()
        self.numbers = itertools.count(1)
        self.people = itertools.cycle(NAMES)
        # Drawn by lot and told to nobody: these records cannot be opened.
        self.secret_hash = hash_secret(secrets.token_urlsafe(24), settings_now().secret_key)

    def make(self) -> int:
        """Everything; how many units."""
        self.session.add(LoanScheme(organisation_id=self.holder, phone=PHONE, points=dict(POINTS)))
        self.session.flush()
        for name, kind, count in (
            ("Laptop bag", "accessory", 6),
            ("Headset", "accessory", 9),
            ("Screen wipes", "consumable", 40),
        ):
            self.session.add(
                StockItem(
                    holder_id=self.holder, place_id=self.places[0], kind=kind, name=name, in_stock=count
                )
            )
        for shown in MODELS:
            self._model(shown)
        self._spare_sims()
        for number in range(12):
            self.session.add(
                LoanOutcome(
                    organisation_id=self.holder, kind="laptop", used_for="learn work" if number % 2 else "benefits",
                    changed="alone" if number % 3 else "found_work money",
                )
            )  # fmt: skip
        self.session.flush()
        units = select(func.count()).where(Unit.holder_id == self.holder, Unit.is_demonstration)
        return self.session.scalar(units) or 0

    def _model(self, shown: Shown) -> None:
        model = DeviceModel(
            organisation_id=self.holder, kind=shown.kind, name=shown.name, features=shown.features, steps=shown.steps,
            loan_days=shown.days, support_until=self.today + timedelta(days=365 * shown.support_years),
            made_at=self.now - timedelta(days=300),
        )  # fmt: skip
        model.texts = [
            DeviceModelText(language="en", title=shown.title, summary=shown.summary, state="checked"),
            *(
                DeviceModelText(language=language, title=title, summary=summary)
                for language, (title, summary) in DRAFTS[shown.title].items()
            ),
        ]
        self.session.add(model)
        self.session.flush()
        for days in shown.out:
            self._lend(model, shown, days)
        for _number in range(shown.ready):
            self._unit(model, shown)
        for _number in range(shown.offered):
            self._offer(model, self._unit(model, shown))
        for number in range(shown.waits):
            self._wait(model, number)
        for fitness in shown.fitness:
            self._aside(model, shown, fitness)

    def _unit(self, model: DeviceModel, shown: Shown, **facts: object) -> Unit:
        number = next(self.numbers)
        clean = self.now - timedelta(days=200)
        unit = Unit(
            tag=f"RD-{number:04d}", model_id=model.id, owner_id=self.holder, holder_id=self.holder,
            place_id=self.places[number % len(self.places)], serial=f"DEMO{number:05d}", is_demonstration=True,
            donor="A firm in Manchester" if number % 3 else "", condition="AB"[number % 2],
            made_at=self.now - timedelta(days=250),
            **{"status": "ready", "wiped_at": clean, "checked_at": clean + timedelta(hours=1), **facts},
        )  # fmt: skip
        unit.parts = [KitPart(name=part, count=1) for part in shown.parts]
        self.session.add(unit)
        self.session.flush()
        return unit

    def _person(self, language: str, at: datetime) -> Resident:
        person = people.make_resident(
            self.session, secret_kind="pin",  # noqa: S106 - which kind, not a secret
            secret_hash=self.secret_hash, nickname=None, pin_for_everything=True, language=language, now=at,
        )  # fmt: skip
        person.name, person.read = next(self.people), language
        person.last_used_at = self.now
        consent_services.give_consent(
            self.session, resident_id=person.id, organisation_id=self.holder, items=("identity", "contact"),
            purpose="device", how="screen", language=language, now=at,
        )  # fmt: skip
        return person

    def _request(
        self, model: DeviceModel, status: str, at: datetime, said: Sequence[str] = ()
    ) -> LoanRequest:
        number = next(self.numbers)
        language = LANGUAGES[number % len(LANGUAGES)]
        person = self._person(language, at)
        code = people.give_code(self.session, kind="loan", now=at)
        request = LoanRequest(
            code=code, code_hash=people.hash_of_code(code), form_key=key_of(person.id, FORM), resident_id=person.id,
            organisation_id=self.holder, model_id=model.id, status=status,
            purposes=("learn", "work benefits", "health family")[number % 3], whom=("me", "me", "child")[number % 3],
            language=language, settings=("", "large_text", "own_language")[number % 3],
            place_id=self.places[number % len(self.places)], consent_wording=WORDING, points=points_of(said, POINTS),
            waits_since=at if status in {"queued", "offered"} else None, made_at=at,
        )  # fmt: skip
        self.session.add(request)
        self.session.flush()
        if said:
            answers = {reason: reason in said for reason in POINTS}
            self.session.add(RequestAnswers(request_id=request.id, answers=answers))
        return request

    def _lend(self, model: DeviceModel, shown: Shown, days: int) -> Loan:
        """A loan that is due in so many days (late below nought), begun as long before as this model is lent."""
        begun = self.now + timedelta(days=days - shown.days)
        unit = self._unit(model, shown)
        request = self._request(model, "offered", begun - timedelta(days=20), ("no_device",))
        hand_over = custody.HandOver(
            form_key=secrets.token_urlsafe(32),
            due_on=due_on(self.session, place_id=unit.place_id, since=self.today + timedelta(days=days), days=0),
            place_id=unit.place_id, agreement=WORDING, agreed_how="paper", language=request.language,
            parts=[(part, 1) for part in shown.parts], condition=unit.condition,
            follow_up_on=follow_up_day(self.session, begun.astimezone(LONDON).date()),
        )  # fmt: skip
        loan = custody.issue(
            self.session, request=request, unit=unit, hand_over=hand_over, staff_id=None, now=begun
        )
        if shown.kind in {"phone", "hub"}:
            sims.put_in(
                self.session, loan=loan, sim=self._sim(min(days - 2, 28) if days < 30 else 28), now=begun
            )
        return loan

    def _offer(self, model: DeviceModel, unit: Unit) -> None:
        request = self._request(model, "offered", self.now - timedelta(days=30), ("no_device", "deadline"))
        self.session.add(
            LoanOffer(
                request_id=request.id, unit_id=unit.id, made_at=self.now,
                ends_at=after_open_hours(self.now, HELD_FOR, holidays(self.session)),
            )
        )  # fmt: skip
        self.session.flush()

    def _wait(self, model: DeviceModel, number: int) -> None:
        """The first of them wait in the queue; the last two asked just now, and somebody has to look at it."""
        said = (("no_device", "children"), ("deadline",), ("no_device",), ("disability",), ())[number % 5]
        is_new = number >= 6
        at = self.now - (timedelta(hours=5 + number) if is_new else timedelta(days=9 * number + 3))
        self._request(model, "submitted" if is_new else "queued", at, said)

    def _aside(self, model: DeviceModel, shown: Shown, fitness: str) -> None:
        """A unit that is not to be lent now, and how it came there."""
        if fitness == "missing":
            loan = self._lend(model, shown, 10)
            # Nobody is told: its person is invented.
            endings.report_lost(
                self.session, loan=loan, cause="stolen", staff_id=None, now=self.now - timedelta(days=4)
            )
            return
        if fitness == "repair":
            unit = self._unit(model, shown)
            repairs.open_ticket(
                self.session, unit=unit, fault="battery", staff_id=None, now=self.now - timedelta(days=6)
            )
            return
        new = {"status": "intake", "wiped_at": None, "checked_at": None}
        unit = self._unit(model, shown, **(new if fitness == "intake" else {}))
        at = self.now - timedelta(days=2)
        if fitness == "retired":
            history.move(self.session, unit, "retired", actor="staff", now=at, why="worn_out")
            unit.retired_for = "worn_out"
        elif fitness != "intake":
            history.move(self.session, unit, "quarantine", actor="staff", now=at)
            unit.returned_at, unit.hold_until = at, self.today + timedelta(days=1)
        if fitness in {"wiping", "testing"}:
            history.move(self.session, unit, "wiping", actor="staff", now=at + timedelta(hours=2))
            unit.hold_until = self.today - timedelta(days=1)
        if fitness == "testing":
            history.move(self.session, unit, "testing", actor="staff", now=at + timedelta(hours=5))
            unit.wiped_at = at + timedelta(hours=5)
        self.session.flush()

    def _sim(self, days: int) -> Sim:
        number = next(self.numbers)
        sim = Sim(
            holder_id=self.holder, place_id=self.places[0], iccid=f"8944{number:016d}", carrier="Databank", data_gb=20,
            data_until=self.today + timedelta(days=days), made_at=self.now - timedelta(days=40), is_demonstration=True,
        )  # fmt: skip
        self.session.add(sim)
        self.session.flush()
        return sim

    def _spare_sims(self) -> None:
        for days in (60, 90, 150, 150, 180):
            self._sim(days)


def remove(session: Session) -> None:
    """Take the scheme away with all that hangs on it, and the invented people; whoever tried it out keeps their own plan."""
    holders = select(Organisation.id).where(Organisation.is_demonstration)
    asked = select(LoanRequest.resident_id, LoanRequest.form_key).where(
        LoanRequest.organisation_id.in_(holders)
    )
    invented = [number for number, key in session.execute(asked).all() if key == key_of(number, FORM)]
    requests = session.scalars(select(LoanRequest.id).where(LoanRequest.organisation_id.in_(holders))).all()
    session.execute(delete(Loan).where(Loan.organisation_id.in_(holders)))
    forgetting.delete_requests(session, requests)
    for resident in session.scalars(select(Resident).where(Resident.id.in_(invented))).all():
        people.delete_resident(session, resident=resident, now=resident.last_used_at)
    pools = or_(QuotaPool.organisation_id.in_(holders), QuotaPool.referrer_id.in_(holders))
    session.execute(delete(QuotaPool).where(pools))
    table = LoanScheme.metadata.tables["loan_schemes"]
    delete_with_all(session, table, table.c.organisation_id.in_(holders))
    session.expire_all()


demonstrate(Demonstration("loans", load, remove))
