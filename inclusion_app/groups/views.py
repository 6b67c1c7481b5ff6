"""Pages of a self-help group: make it, open it, join it, leave it, and what it keeps for itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from flask import session as cookie
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from inclusion_app.core import attempts, clock, i18n, pins
from inclusion_app.core.access import Room, current_principal, shows_of
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, code_to_words, read_code, show_code
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, side_write
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import BaseForm, asks_for_pictures
from inclusion_app.core.sessions import (
    COOKIE_KEY,
    PRESSED_TWICE,
    Visit,
    current_visit,
    had_visit,
    renew_browser,
    visit_for_change,
)
from inclusion_app.core.words import N_
from inclusion_app.groups import forms, policy, queries, rules, services
from inclusion_app.groups.models import Group
from inclusion_app.groups.queries import Seen
from inclusion_app.people import opening
from inclusion_app.people.forms import code_of
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.picture import one_line

room = Room("groups", __name__)
ONE = "/groups/<int(max=999999999):group_id>"
USED_EVERY = timedelta(days=1)
NOT_AN_ANSWER = N_("Choose one of the answers on this page.")


@room.page("/groups", allow=policy.LOOK)
def home() -> Any:
    """What a group is, and the three ways in."""
    return render_template("groups/home.html")


@room.page("/groups/new", allow=policy.LOOK, methods=("GET", "POST"))
def new() -> Any:
    """Choose a PIN or pictures for a group; the answer is its code. Pressed twice makes one group."""
    form, kind = forms.NewGroupForm(), "pictures" if asks_for_pictures() else "pin"
    if request.method == "POST" and form.validate():
        try:
            return _make(form, kind)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("groups/new.html", form=form, kind=kind)
    return page, 422 if form.errors or form.form_errors else 200


def _make(form: forms.NewGroupForm, kind: str) -> Any:
    secret, moment = form.secret(kind), now()
    if current_visit() is None and _pressed_twice(form.secret):
        return redirect(url_for("groups.ours"), 303)
    # Slow on purpose, so it is done before the write lock is taken.
    db_session().rollback()
    opening.count_making(request.remote_addr, now=moment)
    secret_hash = pins.hash_secret(secret, _secret_key())
    session = db_session()
    mine = keyed_hash("attempt-group", cookie.get(COOKIE_KEY, ""))
    if not attempts.claim_once(session, key_hash=mine, window=PRESSED_TWICE, now=moment):
        session.rollback()
        if _pressed_twice(form.secret):
            return redirect(url_for("groups.ours"), 303)
        raise RuleBroken(CHANGED_ALREADY)
    group = services.make_group(
        session,
        name=form.nickname.data,
        secret_kind=kind,
        secret_hash=secret_hash,
        language=i18n.current_language().slug,
        now=moment,
    )
    _show_here(session, group)
    return redirect(url_for("groups.code", group_id=group.id), 303)


def _show_here(session: Session, group: Group) -> None:
    """This visit has the group open from now on, under a new id of the browser."""
    visit = current_visit()
    if visit is None:
        visit = visit_for_change(session, now())
    else:
        visit.last_used_at = now()
        renew_browser(visit)
    visit.group_id = group.id
    session.flush()


def _pressed_twice(typed: Callable[[str], str]) -> bool:
    """The group was made or opened by the first of two presses: the second leads to it."""
    return opening.pressed_twice(_stored, typed, secret_key=_secret_key(), now=now())


def _stored(session: Session, visit: Visit) -> opening.Stored | None:
    group = session.get(Group, visit.group_id) if visit.group_id else None
    return opening.Stored(group.secret_kind, group.secret_hash) if group else None


def _secret_key() -> str:
    key: str = current_app.extensions["settings"].secret_key
    return key


@room.page("/groups/open", allow=policy.LOOK, methods=("GET", "POST"))
def open_group() -> Any:
    """The code of a group with its PIN or pictures opens it; the code alone opens nothing."""
    form, pictures = forms.OpenForm(), asks_for_pictures()
    if request.method == "GET":
        form.code.data = request.args.get("code", "")[:20]
    elif (code := form.read_code()) is not None:
        try:
            return redirect(url_for("groups.group", group_id=_open(form, code, pictures)), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template(
        "groups/open.html", form=form, pictures=pictures, ended=request.method == "GET" and had_visit()
    )
    return page, 422 if form.errors or form.form_errors else 200


def _open(form: forms.OpenForm, code: str, pictures: bool) -> int:
    secret, moment = form.typed_secret(pictures=pictures), now()
    if current_visit() is None and _pressed_twice(lambda _kind: secret):
        group_id = current_principal().group_id
        if group_id is not None:
            return group_id
    proven = _prove(code, secret, find=queries.facts_of_code, others=opening.NOT_A_GROUP)
    session = db_session()
    group = queries.find_by_code(session, code=code, to_change=True)
    # Hashing took a while. What was changed meanwhile (another code, no group any more) counts.
    if group is None or proven.facts != queries.facts_of_code(session, code):
        raise RuleBroken(CHANGED_ALREADY)
    if proven.fresh_hash is not None:
        group.secret_hash = proven.fresh_hash
    group.last_used_at = moment
    _show_here(session, group)
    return group.id


def _prove(code: str, secret: str | None, **of: Any) -> opening.Proven:
    db_session().rollback()
    return opening.prove(code, secret, address=request.remote_addr, secret_key=_secret_key(), now=now(), **of)


@room.page("/g/<code>", allow=policy.LOOK, localised=False)
def scanned(code: str) -> Any:
    """What the QR on a group's paper opens: join, or open the group. Looks nothing up."""
    asked = i18n.known(request.args.get("l", ""))
    g.language = asked if asked and asked.released else i18n.preferred(request, None)
    form = forms.GroupCodeForm(formdata=None)
    shown = ""
    try:
        shown = show_code(read_code(code[:200]))
    except BrokenCode as broken:
        form.refuse(RuleBroken(broken.message, field="code"))
    page = render_template("groups/scanned.html", form=form, code=shown)
    return page, 200 if shown else 422


@room.page("/groups/join", allow=policy.LOOK, methods=("GET", "POST"))
def join() -> Any:
    """Somebody with a saved plan joins by the group's code alone. Joining twice says the same."""
    form, principal = forms.GroupCodeForm(), current_principal()
    if request.method == "GET":
        form.code.data = request.args.get("code", "")[:20]
    elif (code := form.read_code()) is not None and principal.kind == "resident":
        try:
            return redirect(url_for("groups.group", group_id=_join(code, principal.resident_id)), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    elif code is not None:
        form.refuse(RuleBroken(N_("Save your plan first. Then you can join a group.")))
    page = render_template("groups/join.html", form=form, kind=principal.kind)
    return page, 422 if form.errors or form.form_errors else 200


def _join(code: str, resident_id: int | None) -> int:
    _prove(code, None, find=queries.facts_of_code, others=opening.NOT_A_GROUP)
    session = db_session()
    group = queries.find_by_code(session, code=code, to_change=True)
    if group is None or resident_id is None:
        raise RuleBroken(CHANGED_ALREADY)
    services.join(session, group=group, resident_id=resident_id, actor="resident", now=now())
    flash(N_("You are in the group."))
    return group.id


def group_of_paper(typed: str) -> int:
    """The number of the group whose code a helper typed in from a paper. Raises RuleBroken; the try counts."""
    try:
        code = code_of(typed)
    except BrokenCode as broken:
        raise RuleBroken(broken.message) from broken
    return _prove(code, None, find=queries.facts_of_code, others=opening.NOT_A_GROUP).facts.number


def join_from_paper(session: Session, resident: Resident, group_id: int) -> None:
    """The person of a paper that was just typed in is in the group. Raises RuleBroken when it was closed meanwhile."""
    group = session.get(Group, group_id, with_for_update=True)
    if group is None:
        raise RuleBroken(CHANGED_ALREADY, field="group_code")
    services.join(session, group=group, resident_id=resident.id, actor="helper", now=now())


@room.page("/groups/ours", allow=policy.MINE, reads=("groups",))
def ours() -> Any:
    """The way from the plan to its person's groups: straight to the one there is, else a list."""
    found = queries.groups_of(db_session(), current_principal())
    if len(found) == 1:
        return redirect(url_for("groups.group", group_id=found[0].id))
    return render_template("groups/ours.html", groups=found)


def has_group() -> bool:
    """True when this visit has a group to go to; the plan page asks."""
    try:
        return queries.has_group(db_session(), current_principal())
    except SQLAlchemyError:
        return False  # the page that says the database is away


def seen(group_id: int) -> Seen | None:
    """The group of an address as this person may see it. After two idle hours they are asked to open it again."""
    found = queries.seen_by(db_session(), current_principal(), group_id)
    if found is None and had_visit():
        abort(redirect(url_for("groups.open_group"), 303))
    if found is not None and found.keeps:
        shows_of(None, kind="group", actor_id=group_id)
    return found


@room.page(ONE, allow=policy.READ, load=seen, reads=("group",))
def group(seen: Seen) -> Any:
    """The group: its next step, its line, its notes, its papers. Nobody's name, and no count of anybody."""
    found = queries.together(db_session(), seen.group, today=clock.today())
    page = render_template(
        "groups/group.html",
        seen=seen,
        together=found,
        catalogue=found.catalogue,
        step=found.catalogue.steps.get(found.line.following or ""),
        map=one_line(
            found.line.done,
            found.line.following,
            found.line.later,
            rtl=i18n.current_language().dir == "rtl",
        ),
        notes=queries.notes_of(seen.group),
        helpers=queries.helpers_of(db_session(), seen.group.id),
        form=BaseForm(),
    )
    note_use(seen.group)
    return page


def note_use(group: Group) -> None:
    """A group that is looked at is in use; noted once a day, after the page is drawn."""
    number, moment = group.id, now()
    if group.last_used_at > moment - USED_EVERY:
        return
    try:
        with side_write(impatient=True) as session:
            session.execute(update(Group).where(Group.id == number).values(last_used_at=moment))
    except SQLAlchemyError as err:
        # The next page notes it: nobody waits for this.
        current_app.logger.error("a group's use was not noted: %s", type(err).__name__)


@room.page(f"{ONE}/together", allow=policy.KEEP, load=seen, methods=("POST",))
def together(seen: Seen) -> Any:
    """The group did its next step together, or takes that back."""
    do, step, session = request.form.get("do"), request.form.get("step", ""), db_session()
    if do == "done":
        services.done_together(session, group_id=seen.group.id, step_id=step, now=now())
        flash(N_("Well done. You did this together."))
    elif do == "undo":
        services.not_done_together(session, group_id=seen.group.id, step_id=step, now=now())
        flash(N_("It is taken back."))
    else:
        raise RuleBroken(NOT_AN_ANSWER)
    return redirect(url_for("groups.group", group_id=seen.group.id), 303)


@room.page(f"{ONE}/helpers", allow=policy.READ, load=seen, methods=("POST",))
def end_help(seen: Seen) -> Any:
    """One press, by the group or by any of its members: whoever of the staff leads it sees nothing of it any more."""
    services.end_help(
        db_session(), group_id=seen.group.id, number=_number(request.form.get("helper", "")), by=current_principal(),
        now=now(),
    )  # fmt: skip
    flash(N_("The help has ended. They cannot see our group any more."))
    return redirect(url_for("groups.group", group_id=seen.group.id), 303)


@room.page(f"{ONE}/leave", allow=policy.LEAVE, methods=("POST",))
def leave(group_id: int) -> Any:
    """One step out, told to nobody. Who has left already reads the same."""
    resident_id = current_principal().resident_id
    if resident_id is not None:
        services.leave(db_session(), group_id=group_id, resident_id=resident_id, now=now())
    flash(N_("You are out of the group. Nobody is told."))
    return redirect(url_for("groups.home"), 303)


@room.page(f"{ONE}/notes", allow=policy.KEEP, load=seen, methods=("GET", "POST"), reads=("notes",))
def notes(seen: Seen) -> Any:
    """Write a note, or with `note` its number change or delete one."""
    number = _number(request.values.get("note", ""))
    stored = next((note for note in queries.notes_of(seen.group) if note["id"] == number), None)
    if number and stored is None and request.method == "GET":
        abort(404)
    form = forms.NoteForm(data=stored)
    if request.method == "POST" and (request.form.get("do") == "delete" or form.validate()):
        try:
            _write_note(seen, number, form)
            return redirect(url_for("groups.group", group_id=seen.group.id) + "#notes", 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("groups/note.html", seen=seen, form=form, number=number)
    return page, 422 if form.errors or form.form_errors else 200


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _write_note(seen: Seen, number: int, form: forms.NoteForm) -> None:
    session, group_id = db_session(), seen.group.id
    if request.form.get("do") == "delete":
        services.delete_note(session, group_id=group_id, number=number, now=now())
        flash(N_("The note is deleted."))
        return
    if number:
        services.change_note(session, group_id=group_id, number=number, note=form.note(), now=now())
    else:
        services.add_note(session, group_id=group_id, note=form.note(), now=now())
    flash(N_("The note is kept."))


@room.page(f"{ONE}/add", allow=policy.KEEP, load=seen, methods=("GET", "POST"))
def add(seen: Seen) -> Any:
    """Somebody with a saved plan joins at this screen by their code. Whoever is in already reads the same."""
    form, pictures = forms.AddForm(), asks_for_pictures()
    if request.method == "POST" and (code := form.read_code()) is not None:
        try:
            _add(seen, code, form.typed_secret(pictures=pictures))
            return redirect(url_for("groups.group", group_id=seen.group.id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("groups/add.html", seen=seen, form=form, pictures=pictures)
    return page, 422 if form.errors or form.form_errors else 200


def _add(seen: Seen, code: str, secret: str | None) -> None:
    group_id = seen.group.id
    facts = _prove(code, secret, others=opening.NOT_A_MEMBER).facts
    session = db_session()
    group = queries.group_to_change(session, group_id)
    if group is None:
        abort(404)  # ended meanwhile by somebody else
    # Hashing took a while. What the person changed meanwhile (another code, the PIN for everything) counts.
    if opening.person(session, code) != facts:
        raise RuleBroken(CHANGED_ALREADY, field="code")
    services.join(session, group=group, resident_id=facts.number, actor="group", now=now())
    flash(N_("They are in the group."))


@room.page(f"{ONE}/list", allow=policy.KEEP, load=seen, methods=("GET", "POST"), reads=("list",))
def paper_list(seen: Seen) -> Any:
    """Type in the sums of the paper list; they take the place of those before."""
    catalogue = load_catalogue()
    steps = tuple(catalogue.steps[step] for step in rules.listed_steps(catalogue))
    form = forms.paper_form(steps, queries.paper_of(seen.group))
    if request.method == "POST" and (paper := form.read()) is not None:
        services.keep_paper(
            db_session(), group_id=seen.group.id, people=paper.people, ticks=paper.ticks, now=now()
        )
        flash(N_("The list is kept."))
        return redirect(url_for("groups.group", group_id=seen.group.id), 303)
    page = render_template("groups/list.html", seen=seen, form=form, steps=steps)
    return page, 422 if form.errors else 200


@room.page(f"{ONE}/code", allow=policy.KEEP, load=seen, methods=("GET", "POST"), reads=("code",))
def code(seen: Seen) -> Any:
    """The group's code as signs and as words; a new one, closing the group here, or ending it."""
    if request.method == "POST":
        return _change(seen.group)
    return render_template(
        "groups/code.html",
        seen=seen,
        form=BaseForm(),
        code=show_code(seen.group.code),
        words=code_to_words(seen.group.code),
    )


def _change(group: Group) -> Any:
    do, session, visit = request.form.get("do"), db_session(), current_visit()
    if do == "new":
        services.renew_code(session, group_id=group.id, visit_id=visit.id if visit else None, now=now())
        flash(N_("This is your new code. The old one does not work any more."))
        return redirect(url_for("groups.code", group_id=group.id), 303)
    if do == "away" and visit is not None:
        visit.group_id = None
        flash(N_("The group is closed on this screen."))
    elif do == "end":
        services.close(session, group_id=group.id)
        flash(N_("The group is deleted. Everybody’s own plan stays."))
    else:
        raise RuleBroken(NOT_AN_ANSWER)
    return redirect(url_for("groups.home"), 303)
