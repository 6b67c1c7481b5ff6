"""Pages of the self-check, the plan and its steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import (
    abort,
    current_app,
    flash,
    get_template_attribute,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from inclusion_app.core import clock, i18n
from inclusion_app.core.access import ANYONE, Room, current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, DayField
from inclusion_app.core.sessions import VisitEnded, current_visit, had_visit, visit_for_change
from inclusion_app.core.words import N_
from inclusion_app.places.queries import Where, area_code, where_of_near
from inclusion_app.roadmaps import borrowing, forms, journeys, learning, nearby, policy, queries, services
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.moves import moves
from inclusion_app.roadmaps.picture import line_map
from inclusion_app.roadmaps.progress import (
    ROW_SIGNS,
    WIN_SAID,
    follow_up_of,
    path_of,
    ready_days,
    wins_of,
)
from inclusion_app.roadmaps.rules import Device, Mode, Skill, StepState
from inclusion_app.roadmaps.selfcheck import DAY_GOALS, QUESTIONS, TAPS

room = Room("roadmaps", __name__)
TOTAL = len(QUESTIONS)
# Kept untranslated in the cookie and said in the language of the page that shows them, like all such messages.
VISIT_ENDED = (
    N_("Your visit ended after two hours. Your other answers are gone."),
    N_("Did you save your plan? Then your code opens it."),
)
# In the cookie of a visit whose plan a helper typed in from paper: what to do next is said on the plan page.
TYPED_IN = "typed"


def _mine() -> Roadmap | None:
    visit = current_visit()
    return queries.roadmap_of(db_session(), visit) if visit else None


def has_plan() -> bool:
    """True when this visit has a plan to go back to; every page asks."""
    try:
        visit = current_visit()
        return visit is not None and queries.has_roadmap(db_session(), visit)
    except SQLAlchemyError:
        return False  # the page that says the database is away


def steps_still_to_do() -> tuple[str, ...]:
    """The steps of the plan open here that are neither done nor set aside, the next ones first; none without a plan."""
    roadmap = _mine()
    if roadmap is None:
        return ()
    plan = queries.compute(roadmap, today=clock.today()).plan
    over = {*plan.done, *plan.not_for_me, *plan.known}
    ordered = dict.fromkeys((*plan.next, *plan.doing, *(step.id for step in plan.steps)))
    return tuple(step for step in ordered if step not in over)


def _mine_to_change(*, anew: bool = False) -> Roadmap:
    """The roadmap of this visit, ours alone until the commit. With `anew` one may begin where a visit has ended."""
    session = db_session()
    if not anew and had_visit():
        raise VisitEnded
    return services.roadmap_for_change(session, visit=visit_for_change(session, now()), now=now())


def _actor() -> str:
    return current_principal().kind


def _pictures(question: Any) -> dict[str, Markup]:
    draw = render_template("components/_option_pictures.html", question=question)
    parts = draw.split("\x1e")
    return {
        option.value: Markup(part.strip())  # noqa: S704 - our own pictures
        for option, part in zip(question.options, parts, strict=False)
        if part.strip()
    }


@room.page("/roadmap/check", allow=policy.CHANGE, methods=("GET", "POST"), reads=("answers",))
def check() -> Any:
    return _question(1)


@room.page("/roadmap/check/<int:number>", allow=policy.CHANGE, methods=("GET", "POST"), reads=("answers",))
def check_question(number: int) -> Any:
    if not 1 <= number <= TOTAL:
        abort(404)
    return _question(number)


def _question(number: int) -> Any:
    question = QUESTIONS[number - 1]
    roadmap = _mine()
    stored = roadmap.answers if roadmap else {}
    form = forms.question_form(question, stored.get(question.id))
    form.back.data = request.values.get("back") if request.values.get("back") == "plan" else ""
    if request.method == "POST":
        skip = "skip" in request.form
        if skip or _valid(form, question, stored):
            ended = had_visit()
            roadmap = _mine_to_change(anew=True)
            value = None if skip else form.answer.data or []
            if question.id == "q1" and value:
                value = journeys.in_old_order(value, stored.get("q1", ()))
            services.give_answer(db_session(), roadmap=roadmap, question=question.id, value=value, now=now())
            taps = {
                tap.name: tap.name in request.form and not skip for tap in TAPS if tap.question == question.id
            }
            if taps:
                services.set_facts(db_session(), roadmap=roadmap, now=now(), **taps)
            if ended:
                return _begin_again(roadmap, number)
            return redirect(_after(roadmap, number, form.back.data), 303)
    elif number > 1 and had_visit():
        return redirect(url_for("roadmaps.plan"))  # which says what became of the answers
    page = render_template(
        "roadmaps/check.html",
        form=form,
        question=question,
        number=number,
        total=TOTAL,
        pictures=_pictures(question),
        taps=[
            (tap.name, _(tap.label), stored.get(tap.name) or tap.name in request.form)
            for tap in TAPS
            if tap.question == question.id
        ],
        offer_new=_offers_new(stored, number),
        enough=len(journeys.answered(stored)) >= journeys.ENOUGH_FOR_A_PLAN,
        back=_before(number, form.back.data, roadmap),
    )
    return page, 422 if form.errors else 200


def _begin_again(roadmap: Roadmap, number: int) -> Any:
    """An answer came after its visit had ended: it is kept, the others are asked for again, and it is said."""
    gone, code_opens = VISIT_ENDED
    for sentence in (gone, N_("We kept the answer you just gave."), code_opens):
        flash(sentence, "ended")
    where = _after(roadmap, number, "") if number == 1 else url_for("roadmaps.check")
    return redirect(where, 303)


def _valid(form: Any, question: Any, stored: dict[str, Any]) -> bool:
    form.validate()
    # Nothing makes it hard: that is an answer too.
    if not form.answer.data and not form.errors and question.id != "q4":
        form.answer.errors = [_l("Choose an answer, or press “Skip this question”.")]
    # Who has more goals by now keeps them; only more than that is too many.
    most = max(forms.MAX_GOALS, len(stored.get("q1", ())))
    if question.id == "q1" and len(form.answer.data or ()) > most:
        form.answer.errors = [_l("Choose three at most. You can add more later.")]
    if question.id == "q2" and "none" in (form.answer.data or ()) and len(form.answer.data) > 1:
        form.answer.errors = [_l("Choose what you can use, or “none of these”. Not both.")]
    return not form.errors and not form.answer.errors


def _offers_new(stored: dict[str, Any], number: int) -> bool:
    """After "none" in question 2 or "not yet" in question 5 (content.md), while later answers are open."""
    after_none = number == 3 and Device.NONE.value in stored.get("q2", ())
    after_not_yet = number == 6 and stored.get("q5") == Skill.NOT_YET.value
    return after_none or after_not_yet


def _after(roadmap: Roadmap, number: int, back: str | None) -> str:
    if number == 1:
        return _after_goals(roadmap, back)
    if back == "plan":
        return url_for("roadmaps.plan")
    if number < TOTAL:
        return url_for("roadmaps.check_question", number=number + 1)
    return url_for("roadmaps.plan")


def _after_goals(roadmap: Roadmap, back: str | None, *, first_asked: bool = False) -> str:
    """Which goal comes first is asked where there are several, and for a day where goals often have one."""
    if not first_asked and len(roadmap.answers.get("q1", ())) > 1:
        return url_for("roadmaps.first_goal", back=back or None)
    if _goals_with_days(roadmap):
        return url_for("roadmaps.days", back=back or None)
    return url_for("roadmaps.plan") if back == "plan" else url_for("roadmaps.check_question", number=2)


def _before(number: int, back: str | None, roadmap: Roadmap | None) -> str:
    if back == "plan":
        return url_for("roadmaps.answers")
    if number == 1:
        return url_for("start.home")
    if number > 2:
        return url_for("roadmaps.check_question", number=number - 1)
    return url_for("roadmaps.days") if _goals_with_days(roadmap) else _before_days(roadmap)


def _before_days(roadmap: Roadmap | None) -> str:
    several = roadmap is not None and len(roadmap.answers.get("q1", ())) > 1
    return url_for("roadmaps.first_goal" if several else "roadmaps.check")


def _goals_with_days(roadmap: Roadmap | None) -> list[str]:
    return [goal for goal in (roadmap.answers.get("q1", ()) if roadmap else ()) if goal in DAY_GOALS]


@room.page("/roadmap/check/first", allow=policy.CHANGE, methods=("GET", "POST"), reads=("goals",))
def first_goal() -> Any:
    """Which of the chosen goals comes first: the plan begins with it."""
    roadmap = _mine()
    chosen = list(roadmap.answers.get("q1", ())) if roadmap else []
    if roadmap is None or len(chosen) < 2:
        return _no_answers()
    catalogue = load_catalogue()
    form = forms.first_form([catalogue.goals[goal] for goal in chosen if goal in catalogue.goals], chosen[0])
    form.back.data = "plan" if request.values.get("back") == "plan" else ""
    if request.method == "POST" and ("skip" in request.form or _valid_choice(form)):
        roadmap = _mine_to_change()
        if "skip" not in request.form:
            services.put_goal_first(db_session(), roadmap=roadmap, goal_id=form.answer.data, now=now())
        return redirect(_after_goals(roadmap, form.back.data, first_asked=True), 303)
    page = render_template("roadmaps/first.html", form=form, pictures=_goal_pictures(chosen))
    return page, 422 if form.errors else 200


def _valid_choice(form: Any) -> bool:
    form.validate()
    if not form.answer.data and not form.errors:
        form.answer.errors = [_l("Choose an answer, or press “Skip this question”.")]
    return not form.answer.errors


def _goal_pictures(goals: list[str]) -> dict[str, Markup]:
    draw = get_template_attribute("components/pictures.html", "picture")
    return {goal: draw(goal, css="pic pic--small") for goal in goals}


@room.page("/roadmap/check/days", allow=policy.CHANGE, methods=("GET", "POST"), reads=("answers",))
def days() -> Any:
    """Is there a day you must do this by? Optional, for goals that often have one."""
    roadmap = _mine()
    goals = _goals_with_days(roadmap)
    if roadmap is None or not goals:
        return _no_answers()
    catalogue = load_catalogue()
    fields = {goal: DayField(_l(catalogue.goals[goal].title), wrong=forms.NO_REAL_DAY) for goal in goals}
    form = type("DaysForm", (BaseForm,), fields)()
    for goal in goals:
        day = roadmap.answers.get("days", {}).get(goal)
        if day and request.method == "GET":
            year, month, dom = day.split("-")
            form[goal].typed = [str(int(dom)), str(int(month)), year]
    back = "plan" if request.values.get("back") == "plan" else ""
    if request.method == "POST" and ("skip" in request.form or _days_are_right(form, goals)):
        roadmap = _mine_to_change()
        if "skip" not in request.form:
            chosen = {goal: form[goal].data.isoformat() for goal in goals if form[goal].data}
            services.set_facts(db_session(), roadmap=roadmap, now=now(), days=chosen)
        where = url_for("roadmaps.plan") if back else url_for("roadmaps.check_question", number=2)
        return redirect(where, 303)
    soon = clock.today() + timedelta(days=14)
    page = render_template(
        "roadmaps/days.html",
        form=form,
        goals=goals,
        back=back,
        before=url_for("roadmaps.answers") if back else _before_days(roadmap),
        example=f"{soon.day} {soon.month} {soon.year}",
    )
    return page, 422 if form.errors else 200


def _no_answers() -> Any:
    """Nothing is here to go on with: begin, or hear first that the visit has ended."""
    if not had_visit():
        return redirect(url_for("roadmaps.check"))
    if request.method == "POST":
        raise VisitEnded
    return redirect(url_for("roadmaps.plan"))


def _days_are_right(form: BaseForm, goals: list[str]) -> bool:
    form.validate()
    say_wrong_days(form, goals)
    return not form.errors


def say_wrong_days(form: BaseForm, goals: Sequence[str]) -> None:
    """Put what is wrong with a day at its field; the fields bear the ids of these goals."""
    for goal in goals:
        if form[goal].data and form[goal].data < clock.today():
            form[goal].errors = [_l("This day has passed. Type a later day, or leave it empty.")]
        if form[goal].errors and len(goals) > 1:
            # Two days may be wrong: the links of the error summary must not read alike.
            form[goal].errors = [f"{form[goal].label.text}: {form[goal].errors[0]}"]


@room.page("/roadmap/check/new", allow=policy.CHANGE, methods=("POST",))
def new_to_all_this() -> Any:
    services.finish_as_new(db_session(), roadmap=_mine_to_change(), now=now())
    return redirect(url_for("roadmaps.plan"), 303)


@room.page("/roadmap/answers", allow=policy.READ, reads=("answers",))
def answers() -> Any:
    roadmap = _mine()
    if roadmap is None:
        return _no_answers()
    return render_template(
        "roadmaps/answers.html",
        questions=QUESTIONS,
        stored=roadmap.answers,
        answered=journeys.answered(roadmap.answers),
        day_goals=[load_catalogue().goals[goal] for goal in _goals_with_days(roadmap)],
        days=journeys.read_answers(roadmap.answers).days,
        agreed_on=journeys.helper_agreed_on(roadmap.answers),
    )


@room.page("/roadmap", allow=policy.READ_TITLES, reads=("plan",))
def plan() -> Any:
    """The plan of this visit: next three, list, picture. With the code alone: titles only."""
    roadmap = _mine()
    if roadmap is None:
        return _no_plan()
    made = queries.compute(roadmap, today=clock.today())
    if current_principal().kind == "code":
        return render_template("roadmaps/titles.html", made=made)
    where, me = _where(roadmap), current_principal().resident_id
    near = nearby.said_once(nearby.places_for(made.plan.next, where))
    page = render_template(
        "roadmaps/plan.html",
        **_plan_words(made),
        near=near,
        sessions=learning.sessions_for(
            (*made.plan.next, *made.plan.doing), where, needs=learning.needs_of(me)
        ),
        booked=learning.bookings_of(me),
        devices=borrowing.devices_for((*made.plan.next, *made.plan.doing), me),
        borrowed=borrowing.borrowed_by(me),
        offers_award=learning.offers_award_to(me),
        where=where,
        first_open=journeys.next_question(roadmap.answers),
        saved=roadmap.visit_id is None,
        home=queries.shared_home_of(db_session(), roadmap),
        in_home=roadmap.household_id is not None,
        me=me,
        typed_in=TYPED_IN in cookie,
        **_progress_words(roadmap),
        form=BaseForm(),
    )
    if where is not None and near.gaps:
        _count_gaps(near.gaps, where)
    return page


def _no_plan() -> str:
    """Who asked for a device or a course without a plan finds it here; with the code alone nobody does."""
    if had_visit():
        return render_template("errors/ended.html")
    principal = current_principal()
    me = principal.resident_id if principal.kind == "resident" else None
    return render_template(
        "roadmaps/no_plan.html",
        kind=principal.kind,
        booked=learning.bookings_of(me),
        borrowed=borrowing.borrowed_by(me),
    )


def _progress_words(roadmap: Roadmap) -> dict[str, Any]:
    wins = wins_of(queries.moments_of(db_session(), roadmap))
    return {
        "wins": wins,
        "path": path_of(wins, most=ROW_SIGNS - 2, rtl=i18n.current_language().dir == "rtl"),
        **_follow_up_words(roadmap),
    }


def _follow_up_words(roadmap: Roadmap) -> dict[str, Any]:
    today = clock.today()
    return {"follow_up": follow_up_of(roadmap.choices, today), "ready_days": ready_days(today)}


def _count_gaps(steps: tuple[str, ...], where: Where) -> None:
    """Count the shown steps no place near helps with. After the page is drawn: counting ends the reads it stands on."""
    visit = current_visit()
    if visit is None or set(steps) <= set((visit.gaps_counted or {}).get("steps", ())):
        return
    number, area = visit.id, area_code(db_session(), where)
    try:
        with side_write() as session:
            services.count_gaps(session, visit_id=number, steps=steps, area=area, today=clock.today())
    except SQLAlchemyError as err:
        # Nobody's plan waits for a figure.
        current_app.logger.error("a gap was not counted: %s", type(err).__name__)


def _plan_words(made: queries.Computed) -> dict[str, Any]:
    return {
        "picture_of_plan": line_map(
            made.plan,
            made.answers.goals or ("g01",),
            made.choices.states,
            catalogue=made.catalogue,
            rtl=i18n.current_language().dir == "rtl",
        ),
        "made": made,
        "plan": made.plan,
        "catalogue": made.catalogue,
        "steps": {step.id: step for step in made.plan.steps},
        "goals": [made.catalogue.goals[goal] for goal in made.answers.goals if goal in made.catalogue.goals],
    }


def _where(roadmap: Roadmap | None) -> Where | None:
    """Where the person looks from: what they typed in this visit, else what they kept with the plan."""
    visit = current_visit()
    return where_of_near((visit.near if visit else None) or (roadmap.near if roadmap else None))


@room.page("/roadmap/settings", allow=policy.CHANGE, methods=("POST",))
def settings() -> Any:
    """The two switches of the plan page: use a library's computers; how many minutes are free."""
    roadmap = _mine_to_change()
    if "library" in request.form:
        services.set_use_library(
            db_session(), roadmap=roadmap, use=request.form["library"] == "yes", now=now()
        )
    if "minutes" in request.form:
        minutes = request.form["minutes"]
        if minutes not in {"", "30", "60", "120"}:
            raise RuleBroken(_l("Choose one of the answers on this page."))
        services.set_free_minutes(
            db_session(), roadmap=roadmap, minutes=int(minutes) if minutes else None, now=now()
        )
    flash(N_("Your plan is changed."))
    return redirect(url_for("roadmaps.plan"), 303)


@room.page("/roadmap/goals", allow=policy.CHANGE, methods=("GET", "POST"), reads=("goals",))
def goals() -> Any:
    """Add a goal, or take one away."""
    catalogue = load_catalogue()
    if request.method == "POST":
        goal = request.form.get("goal", "")
        if goal not in catalogue.goals:
            abort(404)
        session, mine = db_session(), _mine_to_change()
        if "up" in request.form:
            place = request.form["up"]
            if not re.fullmatch(r"[0-9]{1,2}", place):
                raise RuleBroken(_l("Choose one of the answers on this page."))
            services.move_goal_up(session, roadmap=mine, goal_id=goal, place=int(place), now=now())
        elif "remove" in request.form:
            services.remove_goal(session, roadmap=mine, goal_id=goal, now=now())
        else:
            services.add_goal(session, roadmap=mine, goal_id=goal, now=now())
        flash(N_("Your plan is changed."))
        return redirect(url_for("roadmaps.plan"), 303)
    roadmap = _mine()
    chosen = list(roadmap.answers.get("q1", ())) if roadmap else []
    rows = catalogue.goals
    ordered = [rows[goal] for goal in chosen if goal in rows]
    ordered += [goal for goal in rows.values() if goal.id not in chosen]
    return render_template("roadmaps/goals.html", ordered=ordered, chosen=chosen, form=BaseForm())


@room.page("/roadmap/goals/<goal_id>", allow=policy.LOOK, methods=("GET", "POST"), reads=("goals",))
def goal(goal_id: str) -> Any:
    """One goal: the way without the internet, who does the steps, and what you could also do."""
    catalogue = load_catalogue()
    if goal_id not in catalogue.goals:
        abort(404)
    if request.method == "POST":
        mine = _mine_to_change()
        if request.form.get("mode") in {mode.value for mode in Mode}:
            services.set_mode(
                db_session(), roadmap=mine, goal_id=goal_id, mode=Mode(request.form["mode"]), now=now()
            )
        if "extra" in request.form:
            services.add_extra(
                db_session(),
                roadmap=mine,
                catalogue=catalogue,
                goal_id=goal_id,
                step_id=request.form["extra"],
                now=now(),
            )
        flash(N_("Your plan is changed."))
        return redirect(url_for("roadmaps.plan"), 303)
    return render_template(
        "roadmaps/goal.html",
        goal=catalogue.goals[goal_id],
        catalogue=catalogue,
        made=_made(),
        modes=MODES,
        form=BaseForm(),
    )


MODES = (
    (Mode.ME, _l("I do it")),
    (Mode.TOGETHER, _l("We do it together")),
    (Mode.FOR_ME, _l("Somebody does it for me")),
)

# Said after a step was changed. Without the step's title: it would stand in the browser's cookie.
STEP_SAID = {
    "doing": N_("You are doing this step now."),
    **{state.value: words for state, words in WIN_SAID.items()},
    "not_started": N_("The step is in your plan."),
    "add": N_("The step is in your plan."),
    "pin": N_("The step is at the top of your plan."),
    "unpin": N_("The step is in its usual place again."),
    "not_for_me": N_("The step is taken out of your plan."),
}


# The same of a step that carries the name of somebody else at home.
ANOTHERS_DONE = N_("Well done. The step is done.")
ANOTHERS_DOING = N_("Your plan is changed.")


def _say(do: str, *, anothers: bool = False) -> None:
    said = STEP_SAID[do]
    if anothers and do in WIN_SAID:
        said = ANOTHERS_DONE
    elif anothers and do == "doing":
        said = ANOTHERS_DOING
    flash(said, "win" if do in WIN_SAID else "message")


def _is_anothers(step_id: str) -> bool:
    roadmap = _mine()
    home = queries.shared_home_of(db_session(), roadmap) if roadmap else None
    whose = home.who.get(step_id) if home else None
    return whose is not None and whose.resident_id != current_principal().resident_id


STEP_ACTIONS = {
    "doing": StepState.DOING,
    "done_alone": StepState.DONE_ALONE,
    "done_with_help": StepState.DONE_WITH_HELP,
    "can_show_others": StepState.CAN_SHOW,
    "already_knew": StepState.ALREADY_KNEW,
    "not_started": StepState.NOT_STARTED,
}


@room.page("/roadmap/steps/<step_id>", allow=policy.LOOK, methods=("GET", "POST"), reads=("step",))
def step(step_id: str) -> Any:
    """One step: why, how, what to bring, the safe way, and how far you have come."""
    catalogue = load_catalogue()
    if step_id not in catalogue.steps:
        abort(404)
    made, form = _made(), forms.StepForm()
    if request.method == "POST":
        do = request.form.get("do", "")
        if do == "not_for_me" and made and _leaning_on(made, step_id):
            return redirect(url_for("roadmaps.not_for_me", step_id=step_id), 303)
        try:
            _change_step(step_id, do)
            _say(do, anothers=_is_anothers(step_id))
            return redirect(url_for("roadmaps.plan"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
            # What was begun is undone; the page shows the plan as it is.
            db_session().rollback()
            made = _made()
    return _step_page(catalogue, step_id, made, form)


def _made() -> queries.Computed | None:
    """This visit's plan; with the code alone there is none to see here."""
    roadmap = _mine() if current_principal().kind != "code" else None
    return queries.compute(roadmap, today=clock.today()) if roadmap else None


def _change_step(step_id: str, do: str) -> None:
    session, roadmap = db_session(), _mine_to_change()
    if instead := request.form.get("instead"):
        services.unpin_step(session, roadmap=roadmap, step_id=instead, now=now())
    if do == "pin":
        services.pin_step(session, roadmap=roadmap, step_id=step_id, actor=_actor(), now=now())
    elif do == "add":
        services.add_step(
            session, roadmap=roadmap, step_id=step_id, today=clock.today(), actor=_actor(), now=now()
        )
    elif do == "unpin":
        services.unpin_step(session, roadmap=roadmap, step_id=step_id, now=now())
    elif do == "not_for_me":
        services.refuse_step(
            session, roadmap=roadmap, step_id=step_id, drop_dependants=False, actor=_actor(), now=now()
        )
    elif do in STEP_ACTIONS:
        services.set_step_state(
            session,
            roadmap=roadmap,
            step_id=step_id,
            state=STEP_ACTIONS[do],
            actor=_actor(),
            now=now(),
            by=current_principal().resident_id,
        )
    else:
        abort(400)


def _step_page(catalogue: Any, step_id: str, made: queries.Computed | None, form: forms.StepForm) -> Any:
    planned = next((item for item in made.plan.steps if item.id == step_id), None) if made else None
    state = made.choices.states.get(step_id) if made else None
    pins = made.choices.pins if made else ()
    known = made is not None and step_id in made.plan.known
    # With the code alone there is no plan to see here, nor its area.
    where, me = _where(made.roadmap if made else None), current_principal().resident_id
    page = render_template(
        "roadmaps/step.html",
        step=catalogue.steps[step_id],
        planned=planned,
        made=made,
        home=queries.shared_home_of(db_session(), made.roadmap) if made else None,
        me=me,
        ended=made is None and had_visit(),
        catalogue=catalogue,
        state=state,
        signed=services.SIGNED,
        moves=moves(state, in_plan=planned is not None, known=known, pinned=step_id in pins),
        # Too many are pinned: which, so that one can make room.
        in_the_way=[catalogue.steps[pin] for pin in pins if pin in catalogue.steps] if form.do.errors else (),
        goals=[catalogue.goals[goal] for goal in planned.serves] if planned else (),
        where=where,
        places=nearby.places_for([step_id], where).get(step_id, ()),
        sessions=learning.sessions_for([step_id], where).get(step_id, ()),
        devices=borrowing.devices_for([step_id], me if made else None).get(step_id, ()),
        offers_award=learning.offers_award_to(me),
        offers=catalogue.offers_for(step_id),
        line=catalogue.phone_line_for(step_id),
        form=form,
    )
    return page, 422 if form.errors or form.form_errors else 200


def _leaning_on(made: queries.Computed, step_id: str) -> list[str]:
    return [item.id for item in made.plan.steps if step_id in item.after]


@room.page(
    "/roadmap/steps/<step_id>/not-for-me", allow=policy.CHANGE, methods=("GET", "POST"), reads=("step",)
)
def not_for_me(step_id: str) -> Any:
    """Asked once: keep the steps that lean on this one, or take them away with it?"""
    catalogue, roadmap = load_catalogue(), _mine()
    if step_id not in catalogue.steps:
        abort(404)
    if roadmap is None:
        return _no_answers() if had_visit() else abort(404)
    form = BaseForm()
    if request.method == "POST":
        if request.form.get("dependants") in {"keep", "drop"}:
            _say("not_for_me")
            services.refuse_step(
                db_session(),
                roadmap=_mine_to_change(),
                step_id=step_id,
                drop_dependants=request.form["dependants"] == "drop",
                actor=_actor(),
                now=now(),
            )
            return redirect(url_for("roadmaps.plan"), 303)
        form.form_errors.append(_l("Choose one of the answers on this page."))
    made = queries.compute(roadmap, today=clock.today())
    page = render_template(
        "roadmaps/not_for_me.html",
        step=catalogue.steps[step_id],
        leaning=[catalogue.steps[item] for item in _leaning_on(made, step_id)],
        form=form,
    )
    return page, 422 if form.form_errors else 200


@room.page("/how-plans-are-made", allow=ANYONE)
def how_plans_are_made() -> Any:
    return render_template("roadmaps/how_plans_are_made.html")


@room.page("/how-plans-are-made/steps", allow=ANYONE)
def all_steps() -> Any:
    """All goals and steps there are; a page of its own, so that it fits one window with its English too."""
    return render_template("roadmaps/all_steps.html", catalogue=load_catalogue())
