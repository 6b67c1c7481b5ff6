"""Forms of the stock: a device model and its words, units, SIM cards, what is counted, a file of them, a wipe, a check."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import ValidationError

from inclusion_app.core.clock import LONDON, now, today
from inclusion_app.core.codes import plain_digits
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, DayField, OnceForm, lines_of
from inclusion_app.core.registry import step_titles
from inclusion_app.core.uploads import UploadField
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import DeviceModel, Sim, Unit
from inclusion_app.loans.services.cleaning import NOT_YET, Wiped
from inclusion_app.loans.services.stock import (
    LONGEST_CARRIER,
    LONGEST_NUMBER,
    MOST_COUNTED,
    MOST_GB,
    ModelFacts,
    SimFacts,
    UnitFacts,
)
from inclusion_app.loans.staff_fields import (
    NO_DAY,
    AnyOfWords,
    OneOfWords,
    WordFromList,
)
from inclusion_app.loans.stock_csv import read_parts, write_parts
from inclusion_app.people import contact
from inclusion_app.people.choice_fields import words_of
from inclusion_app.people.staff_fields import CountField, LineField, MustChoose, NumberFromList
from inclusion_app.people.staff_words import TOO_LONG

WORDS_STATES = {
    "drafted": N_("A draft. Residents read it; nobody has checked it yet."),
    "checked": N_("Checked by somebody who reads it. Residents read it."),
}
ITEM_KINDS = {
    "accessory": N_("Comes back, such as a mouse"),
    "consumable": N_("Is used up, such as a pen or a leaflet"),
}
WHERE = {"": N_("Everywhere"), "here": N_("Not lent"), "out": N_("With somebody")}
PASSED = {"yes": N_("It is safe"), "no": N_("Something is wrong")}
UNLOCKED = {
    "yes": N_("Yes, or it never was"),
    "no": N_("No, it is still locked to an account"),
    "none": N_("This kind has no such lock"),
}
UNKNOWN_STEP = N_("There is no step %(step)s.")
DATA_OVER = N_("This day is over. Type the last day with data, or leave it empty.")
CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)")
NO_TIME = N_("Type a time like 14:30, or leave it empty.")
LONG_TIME_AGO = date(1990, 1, 1)


def _paragraph(field: Any, longest: int) -> None:
    field.data = "\n".join(lines_of(field.data, longest * 4))
    if len(field.data) > longest:
        raise ValidationError(_l(TOO_LONG))


class WordsForm(BaseForm):
    """The words of a device model in one language."""

    title = LineField(_l("Title"), longest=80, needed=True)
    summary = TextAreaField(_l("What it is good for"))
    state = OneOfWords(_l("How sure we are"), table=WORDS_STATES)

    def validate_summary(self, field: Any) -> None:
        """Not longer than its column."""
        _paragraph(field, 600)


class ModelForm(OnceForm):
    """A device model, with its English words."""

    kind = WordFromList(_l("Kind"), table=rules.KINDS)
    name = LineField(_l("Maker and type"), longest=80, needed=True)
    title = LineField(_l("Title for residents"), longest=80, needed=True)
    summary = TextAreaField(_l("What it is good for"))
    features = AnyOfWords(_l("What it has"), table=rules.FEATURES)
    steps = LineField(_l("Steps of the plan it helps with"), longest=40)
    loan_days = CountField(_l("Lent for how many days"), least=1, most=730, default="90")
    support_until = DayField(_l("Last day of updates"), wrong=_l(NO_DAY))
    is_offered = BooleanField(_l("Residents can ask for it"), default=True)

    def validate_summary(self, field: Any) -> None:
        """Not longer than its column."""
        _paragraph(field, 600)

    def show(self, model: DeviceModel) -> None:
        """Fill in what is known."""
        words = model.text_in("en")
        self.kind.data, self.name.data, self.is_offered.data = model.kind, model.name, model.is_offered
        self.title.data, self.summary.data = (words.title, words.summary) if words else ("", "")
        self.features.data, self.steps.data = model.feature_list, model.steps
        self.loan_days.data = str(model.loan_days)
        self.support_until.process_data(model.support_until)

    def read(self) -> ModelFacts:
        """What was typed. Raises RuleBroken at the steps for one that is not in the plan."""
        steps = (self.steps.data or "").upper().split()
        known = step_titles()
        for step in steps:
            if not re.fullmatch(r"[A-Z]{1,3}[0-9]{1,2}", step) or (known and step not in known):
                raise RuleBroken(UNKNOWN_STEP, field="steps", step=step[:10])
        return ModelFacts(
            kind=self.kind.data, name=self.name.data or "", features=self.features.data or (), steps=steps,
            loan_days=self.loan_days.count or 90, support_until=self.support_until.data, is_offered=self.is_offered.data,
        )  # fmt: skip


class UnitForm(OnceForm):
    """One unit, or so many that are alike."""

    model = MustChoose(_l("Device model"))
    place = MustChoose(_l("Where it is kept"))
    owner = NumberFromList(_l("Whose it is"))
    serial = LineField(_l("Serial number"), longest=60)
    imei = LineField(_l("IMEI"), longest=30)
    donor = LineField(_l("Given by"), longest=80)
    acquired_on = DayField(_l("Ours since"), wrong=_l(NO_DAY))
    support_until = DayField(_l("Last day of updates"), wrong=_l(NO_DAY))
    condition = WordFromList(_l("Condition"), table=rules.CONDITIONS, default="B")
    parts = TextAreaField(_l("What belongs to it"))
    note = LineField(_l("Note"), longest=300)

    def __init__(
        self,
        *args: Any,
        models: Sequence[tuple[int, str]],
        places: Sequence[tuple[int, str]],
        owners: Mapping[int, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.model.choices, self.place.choices = list(models), list(places)
        self.owner.choices = list(owners.items())

    def validate_parts(self, field: Any) -> None:
        """Names and counts that can be read."""
        _paragraph(field, 600)
        try:
            read_parts(field.data)
        except RuleBroken as broken:
            raise ValidationError(_l(broken.message)) from None

    def show(self, unit: Unit) -> None:
        """Fill in what is known."""
        self.model.data, self.place.data, self.owner.data = unit.model_id, unit.place_id, unit.owner_id
        self.serial.data, self.imei.data = unit.serial, unit.imei
        self.donor.data, self.note.data, self.condition.data = unit.donor, unit.note, unit.condition
        self.acquired_on.process_data(unit.acquired_on)
        self.support_until.process_data(unit.support_until)
        self.parts.data = write_parts(unit).replace("; ", "\n")

    def read(self) -> UnitFacts:
        """What was typed."""
        return UnitFacts(
            model_id=self.model.data, place_id=self.place.data, owner_id=self.owner.data,
            serial=self.serial.data or "", imei=self.imei.data or "", donor=self.donor.data or "",
            acquired_on=self.acquired_on.data, support_until=self.support_until.data,
            condition=self.condition.data or "", note=self.note.data or "", parts=read_parts(self.parts.data or ""),
        )  # fmt: skip


class NewUnitForm(UnitForm):
    """New units: how many, and which tags."""

    count = CountField(_l("How many that are alike"), least=1, most=200, default="1")
    tag = LineField(_l("The tag that is on it already"), longest=20)
    prefix = LineField(_l("Letters your tags begin with"), longest=5)


class RetireForm(BaseForm):
    """A unit leaves the pool for good."""

    reason = OneOfWords(_l("Why"), table=rules.RETIRED_FOR)


class PhotoForm(BaseForm):
    """A photo of the condition."""

    file = UploadField(_l("Photo of its condition"))


class FilterForm(BaseForm):
    """What of the list is shown. It lives in the address."""

    class Meta:
        """A form that changes nothing carries no token in the address."""

        csrf = False

    text = StringField(_l("Tag, serial number or IMEI begins with"))
    model = SelectField(_l("Device model"), validate_choice=False, choices=[])
    place = SelectField(_l("Where it is kept"), validate_choice=False, choices=[])
    fitness = SelectField(_l("State"), validate_choice=False)
    where = SelectField(_l("Lent or not"), validate_choice=False)
    owner = SelectField(_l("Whose it is"), validate_choice=False, choices=[])
    ends = SelectField(_l("Updates"), validate_choice=False)

    def offer(
        self, models: Sequence[tuple[int, str]], places: Sequence[tuple[int, str]], owners: Mapping[int, str]
    ) -> None:
        """What the lists offer."""
        self.model.choices = [("0", _l("All models")), *((str(one), name) for one, name in models)]
        self.place.choices = [("0", _l("All places")), *((str(one), name) for one, name in places)]
        self.owner.choices = [("0", _l("All owners")), *((str(one), name) for one, name in owners.items())]
        self.fitness.choices = [("", _l("All but retired")), *words_of(rules.FITNESS)]
        self.where.choices = words_of(WHERE)
        self.ends.choices = [("", _l("All")), ("soon", _l("End within six months, or ended"))]


class SimForm(OnceForm):
    """A SIM card."""

    iccid = LineField(_l("Number of the card (ICCID)"), longest=40, needed=True)
    number = LineField(_l("Phone number"), longest=LONGEST_NUMBER)
    carrier = LineField(_l("Network"), longest=LONGEST_CARRIER)
    place = MustChoose(_l("Where it is kept"))
    data_gb = CountField(_l("Data each month, in GB"), least=1, most=MOST_GB, may_be_empty=True)
    data_until = DayField(_l("Last day with data"), wrong=_l(NO_DAY))

    def __init__(
        self, *args: Any, places: Sequence[tuple[int, str]], before: Sim | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.place.choices, self.before = list(places), before

    def validate_data_until(self, field: Any) -> None:
        """A card without data goes to nobody. One whose data ended meanwhile keeps its day, so that the rest can be changed."""
        was = self.before.data_until if self.before is not None else None
        if field.data is not None and field.data < today() and field.data != was:
            raise ValidationError(_l(DATA_OVER))

    def validate_number(self, field: Any) -> None:
        """Read as every other phone number is; one that was written down before stays."""
        try:
            self._number()
        except RuleBroken as broken:
            raise ValidationError(_l(broken.message)) from None

    def _number(self) -> str:
        """As people here write it, whatever way it was typed: so no number stands there twice."""
        typed = self.number.data or ""
        if not typed or (self.before is not None and typed == self.before.number):
            return typed
        return contact.show_phone(contact.read_phone(typed))

    def show(self, sim: Sim) -> None:
        """Fill in what is known."""
        self.iccid.data, self.number.data, self.carrier.data = sim.iccid, sim.number, sim.carrier
        self.place.data, self.data_gb.data = sim.place_id, str(sim.data_gb or "")
        self.data_until.process_data(sim.data_until)

    def read(self) -> SimFacts:
        """What was typed."""
        return SimFacts(
            place_id=self.place.data, iccid=self.iccid.data or "", number=self._number(),
            carrier=self.carrier.data or "", data_gb=self.data_gb.count or None, data_until=self.data_until.data,
        )  # fmt: skip


class ItemForm(OnceForm):
    """Something that is counted."""

    name = LineField(_l("What it is"), longest=40, needed=True)
    kind = OneOfWords(_l("Kind"), table=ITEM_KINDS)
    place = MustChoose(_l("Where it is kept"))
    count = CountField(_l("How many there are"), least=0, most=MOST_COUNTED, default="0")

    def __init__(self, *args: Any, places: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.place.choices = list(places)


class ByForm(OnceForm):
    """So many more, or fewer."""

    by = CountField(_l("How many more, or fewer with a minus"), least=-MOST_COUNTED, most=MOST_COUNTED)


class ImportForm(BaseForm):
    """A file of SIM cards, or its lines."""

    file = UploadField(_l("CSV file"))
    text = TextAreaField(_l("Or the lines of the file"))


class ImportUnitsForm(ImportForm):
    """A file of devices: those without a tag are given one."""

    prefix = LineField(_l("Letters your tags begin with"), longest=5)


class MarkForm(BaseForm):
    """A label that is scanned, or typed."""

    mark = LineField(_l("Tag, serial number or IMEI"), longest=200, needed=True)


class LabelsForm(BaseForm):
    """Which labels, and where on the first sheet they begin. It lives in the address."""

    class Meta:
        """A form that changes nothing carries no token in the address."""

        csrf = False

    tags = TextAreaField(_l("Tags, one a line"))
    start = CountField(_l("Begin at label number"), least=1, most=24, default="1")


# --- the clean gate


class WipeForm(OnceForm):
    """How it was wiped, with what and when."""

    method = OneOfWords(_l("How it was wiped"), table=rules.WIPE_METHODS)
    tool = LineField(_l("With which tool"), longest=60, needed=True)
    wiped_on = DayField(_l("On which day"), wrong=_l(NO_DAY))
    wiped_at = StringField(_l("At what time"))
    early = SelectField(_l("If it was still held: why before the day"), validate_choice=False)
    file = UploadField(_l("Report of the tool"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.early.choices = [("", _l("It was not held")), *words_of(rules.WIPED_EARLY)]

    def read(self) -> Wiped:
        """What was typed. Without a day: a moment ago; with a day alone its end, or now. Raises RuleBroken at a field."""
        moment = now()
        return Wiped(self.method.data, self.tool.data or "", self._moment(moment), self.early.data or "")

    def _moment(self, moment: datetime) -> datetime:
        day = self.wiped_on.data
        typed = plain_digits(self.wiped_at.data or "").strip()[:10]
        found = CLOCK.fullmatch(typed)
        if typed and not found:
            raise RuleBroken(NO_TIME, field="wiped_at")
        if day is None and not found:
            return moment
        day = day or moment.astimezone(LONDON).date()
        if day < LONG_TIME_AGO:
            raise RuleBroken(NO_DAY, field="wiped_on")
        if day > moment.astimezone(LONDON).date():
            raise RuleBroken(NOT_YET, field="wiped_on")
        if not found:
            return min(moment, datetime.combine(day, time(23, 59), LONDON))
        return datetime.combine(day, time(int(found[1]), int(found[2])), LONDON)


class CheckForm(OnceForm):
    """Whether it is safe."""

    passed = OneOfWords(_l("Cable, battery and case"), table=PASSED)
    faults = AnyOfWords(_l("What is wrong"), table=rules.FAULTS)
    unlocked = OneOfWords(_l("Signed out of all accounts, activation lock off"), table=UNLOCKED)
    note = LineField(_l("Note for the workshop"), longest=200)


class TickedForm(OnceForm):
    """What is ticked in a list of devices, to be done at once."""


class ReportForm(BaseForm):
    """The report of a tool on many machines, or the marks of those it wiped."""

    file = UploadField(_l("Report of the tool"))


class ReportWipesForm(WipeForm):
    """The wipes a report proves."""

    marks = TextAreaField(_l("More devices of this report"))
