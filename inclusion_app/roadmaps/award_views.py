"""The digital challenge award: its rules for everybody, progress in a saved plan, its paper, and the sheet typed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField

from inclusion_app.core import i18n, paper, registry
from inclusion_app.core.access import current_principal, shows_nobody, the_staff
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import OnceForm
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.paper_parts import Pair, Paper, pair
from inclusion_app.core.words import N_
from inclusion_app.people import naming
from inclusion_app.places.on_paper import dated, printed_today
from inclusion_app.roadmaps import award, policy
from inclusion_app.roadmaps.award_rules import LEVEL_BY_CODE, LEVELS, REACHED, Level, is_reached, missing
from inclusion_app.roadmaps.catalogue import Step, load_catalogue
from inclusion_app.roadmaps.rules import StepState
from inclusion_app.roadmaps.views import room
from inclusion_app.training.certificate_paper import certificate_html
from inclusion_app.training.credential_views import NameForm, this_issuer
from inclusion_app.training.models import Credential
from inclusion_app.training.staff_register_forms import whole_number

CAREER_GOAL = "g11"
ON_DAY = N_("It was given on %(day)s.")
SESSIONS_AT_MOST = 60
HOW_MANY = N_("Type how many sessions: 0 to %(most)s.")
SHEET = {
    "title": N_("Digital challenge award"),
    "how": N_("Tick what you did. A youth worker signs it."),
    "then": N_("Bring this sheet to us. It counts like a plan on the screen."),
    "step": N_("Step"),
    "area": N_("Area"),
    "did": N_("I did it"),
    "show": N_("I can show others"),
    "sessions": N_("Sessions I went to"),
    "day": N_("Day"),
    "what": N_("What it was"),
    "signed": N_("Signed by"),
}
LEVEL_ASKS = N_("Steps: %(steps)s. Areas: %(areas)s. Sessions: %(sessions)s.")
LEVEL_ASKS_SHOW = N_("One of the steps you can show others.")


@room.page("/award", allow=policy.LOOK, methods=("GET", "POST"), reads=("award",))
def award_page() -> Any:
    """What each level asks for; with a saved plan open how far one is, and a button for each level that is reached."""
    form, person = NameForm(formdata=None), current_principal()
    resident_id = person.resident_id if person.kind == "resident" else None
    if request.method == "POST":
        try:
            if resident_id is None:
                raise RuleBroken(award.NOT_REACHED)
            level = request.form.get("level", "")
            award.claim(db_session(), resident_id=resident_id, level=level, issuer=this_issuer(), now=now())
            return redirect(url_for("roadmaps.award_certificate", level=level), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _award_page(form, resident_id)


def _award_page(form: NameForm, resident_id: int | None) -> Any:
    done, given = None, {}
    if resident_id is None:
        shows_nobody()
    else:
        done, given = award.done_by(db_session(), resident_id), award.awards_of(db_session(), resident_id)
    catalogue = load_catalogue()
    page = render_template(
        "roadmaps/award.html", form=form, levels=LEVELS, done=done, given=given, missing=missing, is_reached=is_reached,
        onward=[step for step in catalogue.steps.values() if step.level >= 3],
        goal=catalogue.goals.get(CAREER_GOAL),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _my_award(level: str) -> Credential | None:
    person = current_principal()
    if person.kind != "resident" or person.resident_id is None or level not in LEVEL_BY_CODE:
        return None
    return award.awards_of(db_session(), person.resident_id).get(level)


@room.page("/award/<level>/certificate", allow=policy.LOOK, load=_my_award, reads=("award",))
def award_certificate(made: Credential) -> Any:
    """Print an award: with a name for this print, or a line."""
    return render_template(
        "roadmaps/award_certificate.html", form=NameForm(formdata=None), made=made, level=LEVEL_BY_CODE[made.level or ""],
    )  # fmt: skip


@room.page(
    "/award/<level>/certificate.pdf", allow=policy.LOOK, load=_my_award, methods=("GET", "POST"), reads=("award",)
)  # fmt: skip
def award_pdf(made: Credential) -> Any:
    """The paper of an award."""
    form, level = NameForm(), LEVEL_BY_CODE[made.level or ""]
    try:
        name = form.read() if request.method == "POST" else ""
    except RuleBroken as broken:
        form.refuse(broken)
        return render_template("roadmaps/award_certificate.html", form=form, made=made, level=level), 422
    return _paper_of(made, name, url_for("roadmaps.award_certificate", level=level.code))


def _paper_of(made: Credential, name: str, print_page: str) -> Any:
    said = [
        pair(_, REACHED[made.level or ""]),
        *_asks(LEVEL_BY_CODE[made.level or ""]),
        dated(ON_DAY, made.issued_at.astimezone(LONDON).date()),
    ]
    by = (current_app.extensions["settings"].service_name,)
    return pdf_answer(
        certificate_html(made, name=name, said=said, by=by), name="award.pdf", print_page=print_page
    )


def _asks(level: Level) -> list[Pair]:
    asks = [pair(_, LEVEL_ASKS, steps=level.steps, areas=level.areas, sessions=level.sessions)]
    return [*asks, pair(_, LEVEL_ASKS_SHOW)] if level.shows else asks


@room.page("/award/paper.pdf", allow=policy.LOOK)
def award_paper() -> Any:
    """The sheet to tick by hand: the same steps and levels, for who has no screen."""
    return pdf_answer(award_sheet_html(), name="award-sheet.pdf", print_page=url_for("roadmaps.award_page"))


def _steps_by_area() -> list[tuple[int, Step]]:
    """Every step with the number its area has on the sheet, area by area: whoever signs sees how many areas there are."""
    steps = list(load_catalogue().steps.values())
    number = {area: place for place, area in enumerate(dict.fromkeys(step.area for step in steps), 1)}
    return sorted(((number[step.area], step) for step in steps), key=lambda numbered: numbered[0])


@i18n.one_language()
def award_sheet_html() -> str:
    """The finished sheet."""
    language = i18n.current_language()
    sheet = Paper(
        lang=language.tag, dir=language.dir, words={name: pair(_, text) for name, text in SHEET.items()},
        printed_on=printed_today(),
    )  # fmt: skip
    return render_template(
        "pdf/award_sheet.html", paper=sheet, h=sheet, paper_style=paper.style_sheet("paper.css", "paperregister.css"),
        levels=[(pair(_, level.words), _asks(level)) for level in LEVELS],
        steps=[(area, pair(_, step.title)) for area, step in _steps_by_area()], lines=range(6),
    )  # fmt: skip


# --- a sheet typed in by somebody who works with young people


class SheetForm(OnceForm):
    """A signed sheet. The ticks are read by the number of each step."""

    sessions = StringField(_l("How many sessions are signed?"))
    person = StringField(_l("The code of their plan"))

    def read_sessions(self) -> int:
        """How many. Raises RuleBroken at the field."""
        number = whole_number(self.sessions.data) or 0
        if not 0 <= number <= SESSIONS_AT_MOST:
            raise RuleBroken(HOW_MANY, field="sessions", most=SESSIONS_AT_MOST)
        return number


@room.page("/staff/award", allow=policy.GIVE_AWARD, methods=("GET", "POST"), localised=False)
def award_sheet() -> Any:
    """Type in the ticks of a signed sheet: the highest level it reaches is given. No name is asked for."""
    form = SheetForm()
    if request.method == "POST":
        try:
            return _type_in(form)
        except RuleBroken as broken:
            form.refuse(broken)
            db_session().rollback()
    page = render_template(
        "roadmaps/staff_award.html", form=form, steps=_steps_by_area(),
        did=set(request.form.getlist("did")), show=set(request.form.getlist("show")),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _type_in(form: SheetForm) -> Any:
    moment, principal = now(), the_staff()
    states = dict.fromkeys(request.form.getlist("did")[:100], StepState.DONE_WITH_HELP)
    states |= dict.fromkeys(request.form.getlist("show")[:100], StepState.CAN_SHOW)
    sessions, resident_id = form.read_sessions(), None
    if (form.person.data or "").strip():
        resident_id = naming.number_of(
            form.person.data or "", principal=principal, address=request.remote_addr, now=moment, by_number=False
        )  # fmt: skip
    session = db_session()
    if not form.is_first_press(session, whose=f"award {principal.staff_id}", now=moment):
        raise RuleBroken(CHANGED_ALREADY)
    number = award.give_from_sheet(
        session, principal=principal, states=states, sessions=sessions, resident_id=resident_id,
        issuer=this_issuer(), now=moment,
    )  # fmt: skip
    flash(N_("The award is given. Print it now."))
    return redirect(url_for("roadmaps.award_given", credential_id=number), 303)


def _award_of(credential_id: UUID) -> Credential | None:
    made = db_session().get(Credential, str(credential_id))
    return made if made is not None and made.kind == "award" else None


@room.page("/staff/award/<uuid:credential_id>", allow=policy.GIVE_AWARD, load=_award_of, localised=False)
def award_given(made: Credential) -> Any:
    """An award that was given from a sheet, to print. It says nothing of anybody."""
    return render_template(
        "roadmaps/staff_award_given.html", form=NameForm(formdata=None), made=made, level=LEVEL_BY_CODE[made.level or ""],
    )  # fmt: skip


@room.page(
    "/staff/award/<uuid:credential_id>/certificate.pdf", allow=policy.GIVE_AWARD, load=_award_of,
    methods=("GET", "POST"), localised=False,
)  # fmt: skip
def award_given_pdf(made: Credential) -> Any:
    """The paper of it."""
    form, level = NameForm(), LEVEL_BY_CODE[made.level or ""]
    try:
        name = form.read() if request.method == "POST" else ""
    except RuleBroken as broken:
        form.refuse(broken)
        return render_template("roadmaps/staff_award_given.html", form=form, made=made, level=level), 422
    return _paper_of(made, name, url_for("roadmaps.award_given", credential_id=made.id))


registry.add_to_menu(
    registry.StaffLink("roadmaps.award_sheet", N_("Digital challenge award"), policy.GIVE_AWARD, 13)
)
