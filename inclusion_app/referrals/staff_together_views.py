"""Do it together: beside the person, for an hour they said yes to. Their plan, a booking, a device, their copy on paper.

Each page asks again whether the person shares their plan with this organisation, and whether the hour still runs. What is
done stands in the record as done with them there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from inclusion_app.core import clock, i18n, registry
from inclusion_app.core.access import Principal, record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.staff_sessions import current_session
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people
from inclusion_app.people.models import Resident
from inclusion_app.places.queries import where_of_near
from inclusion_app.referrals import staff_together_forms as forms
from inclusion_app.referrals import staff_together_words as words
from inclusion_app.referrals.beside_words import WORDING
from inclusion_app.referrals.models import Sitting
from inclusion_app.referrals.services import together as services
from inclusion_app.referrals.views import room
from inclusion_app.roadmaps.handout import Handout
from inclusion_app.roadmaps.handout_fit import SPARE_BROWSER, arrange
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.progress import follow_up_of
from inclusion_app.roadmaps.queries import roadmap_of_resident
from inclusion_app.roadmaps.selfcheck import DAY_GOALS, QUESTIONS
from inclusion_app.roadmaps.services import remove_follow_up, roadmap_to_change_for, set_follow_up
from inclusion_app.roadmaps.sheets import build_handout, handout_html

ADDRESS = "/staff/people/<int(max=999999999):resident_id>/together"
# In the record: they were there.
WITH_THEM = "present"
Typed = Sequence[tuple[str, str]]


def _of_caseload(resident_id: int) -> Resident | None:
    """Somebody whose record I may change: by their own yes, never through broken glass."""
    return people.resident_for(db_session(), the_staff(), resident_id, "resident.edit")


def _who_shares_plan(resident_id: int) -> Resident | None:
    """The same, of whom I may change the plan."""
    return people.resident_to_change(db_session(), the_staff(), resident_id, "plan")


def _sign_in() -> int:
    row = current_session()
    if row is None:
        raise RuntimeError("no member of staff is signed in")
    return row.id


def _sitting(resident_id: int) -> Sitting | None:
    """The hour with this person, while it runs."""
    found = services.sitting_of(
        db_session(), session_id=_sign_in(), organisation_id=the_staff().organisation_id, now=now()
    )
    return found if found is not None and found.resident_id == resident_id else None


def _begin(resident_id: int) -> None:
    principal = the_staff()
    if principal.organisation_id is None:
        raise RuntimeError("a caseworker acts for an organisation")
    services.begin(
        db_session(), session_id=_sign_in(), resident_id=resident_id, organisation_id=principal.organisation_id,
        now=now(),
    )  # fmt: skip
    _note(resident_id, "plan", action="sit beside")


def _note(resident_id: int, *items: str, action: str) -> None:
    record_act(
        db_session(), the_staff(), action=action, resident_id=resident_id, items=items, purpose=WITH_THEM, now=now()
    )  # fmt: skip


def _to_hub(resident_id: int) -> Response:
    return redirect(url_for("referrals.together", resident_id=resident_id), 303)


def _name(resident: Resident) -> str:
    return resident.name or resident.nickname or ""


def _shows(resident_id: int, *items: str) -> None:
    shows_person(resident_id, *items, purpose=WITH_THEM)


# --- the hour


@room.page(
    ADDRESS, allow=people_policy.EDIT, load=_of_caseload, methods=("GET", "POST"), reads=("identity",), localised=False
)  # fmt: skip
def together(resident: Resident) -> Any:
    """What can be done beside them; first their yes."""
    form = forms.BesideForm()
    number = resident.id
    shares = _who_shares_plan(number) is not None
    if request.method == "POST" and shares:
        if form.beside.data:
            if form.is_first_press(db_session(), whose=f"beside {_sign_in()} {number}", now=now()):
                _begin(number)
                flash(words.BEGUN)
            return _to_hub(number)
        form.refuse(RuleBroken(words.TICK_FIRST, field="beside"))
    return _hub(resident, form, shares=shares)


def _hub(resident: Resident, form: forms.BesideForm, *, shares: bool, typed: Typed = ()) -> Any:
    """The page of the hour. With `typed`, what was sent to the plan too late is sent to it again with their yes."""
    number = resident.id
    roadmap = roadmap_of_resident(db_session(), number) if shares else None
    language = _language(resident)
    with i18n.speaking(language):
        own = [_(line) for line in WORDING] if language is not i18n.ENGLISH else []
    _shows(number, "identity")
    page = render_template(
        "referrals/staff/together.html",
        form=form,
        typed=typed,
        resident_id=number,
        name=_name(resident),
        shares=shares,
        sitting=_sitting(number),
        has_plan=roadmap is not None,
        of_home=roadmap is not None and roadmap.household_id is not None,
        language=language,
        wording=WORDING,
        own_wording=own,
    )
    return page, 422 if form.is_wrong else 200


@room.page(f"{ADDRESS}/end", allow=people_policy.EDIT, load=_of_caseload, methods=("POST",), localised=False)
def end_together(resident: Resident) -> Any:
    """It is over, with one press. A second press, and one after the hour, changes nothing more."""
    number = resident.id
    if services.end(db_session(), session_id=_sign_in(), resident_id=number):
        _note(number, action="end sitting")
    flash(words.ENDED)
    return _to_hub(number)


def _alerts(session: Session, principal: Principal, moment: datetime) -> Sequence[registry.Alert]:
    """On every page, while it lasts and the person shares their plan. By their number: not every page may name them."""
    row = current_session()
    if row is None or not people_policy.EDIT.may_at_all(principal):
        return ()
    sitting = services.sitting_of(
        session, session_id=row.id, organisation_id=principal.organisation_id, now=moment
    )
    if sitting is None:
        return ()
    number = sitting.resident_id
    still = select(Resident.id).where(Resident.id == number, people_policy.may_change(principal, "plan"))
    if session.scalar(still) is None:
        return ()
    until = i18n.clock_words(i18n.local(sitting.until_at).time())
    return (
        registry.Alert(
            _("You sit beside person %(number)s until %(time)s.", number=number, time=until),
            url_for("referrals.together", resident_id=number),
            _("End it"),
            url_for("referrals.end_together", resident_id=number),
            name=_("Beside somebody"),
            is_calm=True,
            note=_("This page is of somebody else.") if _is_of_another(number) else "",
        ),
    )


def _is_of_another(resident_id: int) -> bool:
    """True when the page being made is about a person, and that is not the one they sit beside."""
    of = (request.view_args or {}).get("resident_id")
    return of is not None and of != resident_id


registry.alert_with(_alerts)


# --- the plan


def _plan_of(resident: Resident) -> Roadmap | None:
    """Their own plan. That of a home is not worked on here: the others who live there said yes to nothing."""
    return roadmap_of_resident(db_session(), resident.id)


def _is_of_home(roadmap: Roadmap | None) -> bool:
    return roadmap is not None and roadmap.household_id is not None


@room.page(
    f"{ADDRESS}/questions", allow=people_policy.EDIT, load=_who_shares_plan, methods=("GET", "POST"),
    reads=("answers",), localised=False,
)  # fmt: skip
def together_questions(resident: Resident) -> Any:
    """The self-check, all on one page: for a new plan, or once more."""
    number, roadmap, sits = resident.id, _plan_of(resident), _sitting(resident.id) is not None
    if _is_of_home(roadmap) or (request.method == "GET" and not sits):
        return _to_hub(number)
    # After the hour the page shows what was sent to it, and nothing that is kept.
    form = forms.questions_form(roadmap.answers if roadmap is not None and sits else {}, _language(resident))
    if request.method == "POST":
        given = form.read()
        if _may_go_on(form, sits) and not form.is_wrong:
            done = _change(resident, form, lambda plan, moment: _answer(plan, given, moment), begins=not sits)
            if done is not None:
                if done:
                    _note(number, "answers", action="answer together")
                flash(words.ANSWERED)
                return redirect(url_for("referrals.together_plan", resident_id=number), 303)
    _shows(number, "answers", "identity")
    page = render_template(
        "referrals/staff/together_questions.html", form=form, resident_id=number, name=_name(resident),
        questions=QUESTIONS, day_goals=DAY_GOALS, sits=sits, tap_after=TAP_AFTER,
    )  # fmt: skip
    return page, 422 if form.is_wrong else 200


# Beside which question a second answer stands.
TAP_AFTER = {"q10": "checks_who_wrote_it", "q11": "pays_online"}


def _answer(roadmap: Roadmap, given: services.Given, moment: datetime) -> None:
    services.answer(db_session(), roadmap=roadmap, given=given, today=clock.today(), now=moment)


def _may_go_on(form: forms.BesideForm, sits: bool) -> bool:
    """The hour runs, or they say yes to another one."""
    if sits or form.beside.data:
        return True
    form.refuse(RuleBroken(words.OVER, field="beside"))
    return False


def _change(
    resident: Resident,
    form: forms.BesideForm,
    do: Callable[[Roadmap, datetime], object],
    *,
    begins: bool = False,
) -> bool | None:
    """Change their plan, once for one sending of the form; begin the hour first where it `begins`.

    True when it was changed, False when this very form had done it before, None when a rule refused it, which the form
    says then.
    """
    session, moment, number = db_session(), now(), resident.id
    try:
        if not form.is_first_press(session, whose=f"together {_sign_in()} {number}", now=moment):
            return False
        if begins:
            _begin(number)
        do(roadmap_to_change_for(session, resident_id=number, now=moment), moment)
        session.flush()
    except RuleBroken as broken:
        # What was begun is undone; the page shows the plan as it is.
        session.rollback()
        for one in broken.every if isinstance(broken, _SeveralBroken) else (broken,):
            form.refuse(one)
        return None
    return True


@room.page(
    f"{ADDRESS}/plan", allow=people_policy.EDIT, load=_who_shares_plan, methods=("GET", "POST"), reads=("plan",),
    localised=False,
)  # fmt: skip
def together_plan(resident: Resident) -> Any:
    """Their plan, with one save: mark steps, leave out, add, who does what, the day to look again."""
    number, roadmap, sits = resident.id, _plan_of(resident), _sitting(resident.id) is not None
    if roadmap is None or _is_of_home(roadmap):
        return _to_hub(number)
    # Whoever says yes to another hour with this very sending sees the plan again where something of it is wrong.
    says_yes = request.method == "POST" and bool(request.form.get("beside"))
    if request.method == "POST" and not (sits or says_yes):
        over = forms.BesideForm()
        over.refuse(RuleBroken(words.OVER, field="beside"))
        return _hub(resident, over, shares=True, typed=forms.typed_in_plan())
    if not (sits or says_yes):
        return _to_hub(number)
    plan = services.shown_plan(roadmap, today=clock.today())
    form = forms.plan_form(plan, _language(resident))
    if request.method == "POST" and form.is_sendable() and (answer := _save(resident, form, sits=sits)):
        return answer
    _shows(number, "plan", "identity")
    page = render_template(
        "referrals/staff/together_plan.html", form=form, resident_id=number, name=_name(resident), plan=plan,
        follow_up=follow_up_of(roadmap.choices, clock.today()), was=_was(plan), sits=sits,
    )  # fmt: skip
    return page, 422 if form.is_wrong else 200


def _was(plan: services.ShownPlan) -> dict[str, str]:
    """How each field of the page stood when it was shown; after a refusal as it stood before that."""
    now_is = {f"{forms.STEP}{shown.step.id}": shown.state.value for shown in plan.all_steps}
    now_is |= {f"{forms.GOAL}{goal}": mode.value for goal, mode in plan.modes.items()}
    return {name: request.form.get(f"{forms.WAS}{name}", value) for name, value in now_is.items()}


class _SeveralBroken(RuleBroken):
    """Several rules say no to one save."""

    def __init__(self, every: Sequence[RuleBroken]) -> None:
        super().__init__(every[0].message, field=every[0].field, **every[0].params)
        self.every = every


def _save(resident: Resident, form: forms.PlanForm, *, sits: bool) -> Response | None:
    """Do all that the form asks for, or nothing of it. None when it cannot be done, which the form says then."""
    here = redirect(url_for("referrals.together_plan", resident_id=resident.id), 303)
    if form.asks_for_nothing:
        if not sits:
            _begin(resident.id)
        flash(words.NOTHING_CHANGED)
        return here
    done = _change(resident, form, lambda plan, moment: _do_all(plan, form, moment), begins=not sits)
    if done is None:
        return None
    if done:
        _note(resident.id, "plan", action="change plan together")
    flash(words.CHANGED)
    return here


def _do_all(plan: Roadmap, form: forms.PlanForm, moment: datetime) -> None:
    session, today, staff_id = db_session(), clock.today(), the_staff().staff_id
    broken: list[RuleBroken] = []

    def at(field: str, do: Callable[[], object]) -> None:
        try:
            do()
        except RuleBroken as err:
            broken.append(RuleBroken(err.message, field=field, **err.params))

    for step_id, state in form.states().items():
        wanted = {step_id: state}
        at(
            f"{forms.STEP}{step_id}",
            partial(
                services.set_states, session, roadmap=plan, wanted=wanted, staff_id=staff_id, today=today,
                now=moment,
            ),
        )  # fmt: skip
    if step := form[forms.ADD].data:
        at(
            forms.ADD,
            partial(
                services.add_step, session, roadmap=plan, step_id=step, staff_id=staff_id, today=today, now=moment
            ),
        )  # fmt: skip
    for goal, mode in form.modes().items():
        at(
            f"{forms.GOAL}{goal}",
            partial(services.set_modes, session, roadmap=plan, modes={goal: mode}, now=moment),
        )
    if form.no_day.data:
        remove_follow_up(session, roadmap=plan, now=moment)
    elif day := form.day.data:
        at("day", partial(set_follow_up, session, roadmap=plan, on=day, today=today, now=moment))
    if broken:
        raise _SeveralBroken(broken)


# --- their copy


def _language(resident: Resident) -> i18n.Language:
    return i18n.language_for(resident.read, resident.language)


def _sheet(resident: Resident, roadmap: Roadmap) -> Handout:
    """Their paper as they would print it themselves. Where it would show what they keep to themselves: without reasons."""
    return build_handout(
        roadmap,
        resident=resident,
        where=where_of_near(roadmap.near),
        large=request.args.get("size") == "large",
        private=services.tells_in_private(roadmap, today=clock.today()),
    )


def _to_print(resident: Resident) -> Roadmap | None:
    """Their plan, while the hour runs."""
    roadmap = _plan_of(resident)
    if roadmap is None or _is_of_home(roadmap) or _sitting(resident.id) is None:
        return None
    return roadmap


@room.page(
    f"{ADDRESS}/copy",
    allow=people_policy.EDIT,
    load=_who_shares_plan,
    reads=("plan", "code"),
    localised=False,
)
def together_copy(resident: Resident) -> Any:
    """The same paper as a page: the accessible version, and the one to print where no PDF can be made."""
    roadmap = _to_print(resident)
    if roadmap is None:
        return _to_hub(resident.id)
    with i18n.speaking(_language(resident)):
        sheet = _sheet(resident, roadmap)
        layout = arrange(sheet) if sheet.large else arrange(sheet, spare=SPARE_BROWSER)
        drawn = render_template("referrals/staff/_together_sheet.html", handout=sheet, layout=layout)
    _shows(resident.id, "plan", "code")
    return render_template(
        "referrals/staff/together_copy.html", resident_id=resident.id, large=sheet.large, private=sheet.private,
        sheet=Markup(drawn),  # noqa: S704 - our own template, escaped
    )  # fmt: skip


@room.page(
    f"{ADDRESS}/copy.pdf",
    allow=people_policy.EDIT,
    load=_who_shares_plan,
    reads=("plan", "code"),
    localised=False,
)
def together_copy_pdf(resident: Resident) -> Any:
    """Their paper in their language beside English, as a tagged PDF."""
    roadmap = _to_print(resident)
    if roadmap is None:
        return _to_hub(resident.id)
    with i18n.speaking(_language(resident)):
        html = handout_html(_sheet(resident, roadmap))
    _shows(resident.id, "plan", "code")
    size = "large" if request.args.get("size") == "large" else None
    back = url_for("referrals.together_copy", resident_id=resident.id, size=size)
    return pdf_answer(html, name="plan.pdf", print_page=back)
