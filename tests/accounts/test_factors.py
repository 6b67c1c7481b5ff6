"""The second factor: set up, used once each, lost, changed, and never the last one taken away."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.accounts import factors, passkeys, sign_in
from inclusion_app.accounts.models import Passkey, RecoveryCode, Totp
from inclusion_app.accounts.queries import hash_of_email
from inclusion_app.accounts.sign_in_views import site
from inclusion_app.core import clock
from inclusion_app.core.attempts import STAFF_ADDRESS
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted
from inclusion_app.core.staff_sessions import StaffSession
from tests.accounts.conftest import PASSWORD, Moving, Worker, errors, make_worker
from tests.conftest import StaffBrowser
from tests.factories.keys import SoftKey

Make = Callable[..., Worker]


def secret_on(page: str) -> str:
    """The key to type that stands below the square."""
    found = re.search(r'class="code ltr"><bdi>([A-Z2-7 ]+)', page)
    assert found
    return found[1].replace(" ", "")


def sealed_on(page: str) -> str:
    found = re.search(r'name="sealed" value="([^"]+)"', page)
    assert found
    return found[1]


def codes_on(page: str) -> list[str]:
    return re.findall(r'<li class="ltr"><bdi>([^<]+)', page)


def set_up_app(person: Worker, path: str = "/staff/sign-in/set-up/app") -> Any:
    page = person.browser.text(path)
    person.secret = secret_on(page)
    return person.browser.send(path, sealed=sealed_on(page), code=person.app_code())


def test_the_first_sign_in_leads_through_app_and_codes_and_nothing_else_opens(
    app: Flask, worker: Make, mails: list[MessageWanted]
) -> None:
    person = worker(app_set=False)
    assert person.give_password().location == "/staff/sign-in/set-up"
    for path in ("/staff", "/staff/factors", "/staff/sessions"):
        assert person.browser.get(path).status_code == 303
    assert person.browser.get("/staff/sign-in/second").location == "/staff/sign-in/set-up"
    page = person.browser.text("/staff/sign-in/set-up/app")
    assert "<svg" in page and "style=" not in page
    assert set_up_app(person).location == "/staff/sign-in/codes"
    assert person.browser.get("/staff").status_code == 303
    shown = person.browser.send("/staff/sign-in/codes")
    codes = codes_on(shown.get_data(as_text=True))
    assert len(set(codes)) == 10
    answer = person.browser.send("/staff/sign-in/kept", form_on="/staff/sign-in/codes")
    assert answer.location == "/staff"
    assert person.browser.get("/staff").status_code == 200
    assert {mail.template for mail in mails} == {"staff_factor_changed", "staff_new_device"}
    with app.app_context(), transaction() as session:
        kept = session.scalars(select(RecoveryCode.code_hash)).all()
        assert not {code.replace("-", "") for code in codes} & set(kept)
        assert session.scalar(select(func.count()).where(AuditRow.action == "set up app")) == 1


def test_kept_is_not_believed_before_the_second_factor_or_the_codes(worker: Make) -> None:
    person = worker()
    person.give_password()
    for path in ("/staff/sign-in/kept", "/staff/sign-in/codes"):
        assert person.browser.send(path, form_on="/staff/sign-in").status_code in {303, 405}
        assert person.browser.get("/staff").status_code == 303
    new = worker(app_set=False, organisation="Blue Door")
    new.give_password()
    set_up_app(new)
    assert (
        new.browser.send("/staff/sign-in/kept", form_on="/staff/sign-in/codes").location
        == "/staff/sign-in/codes"
    )
    assert new.browser.get("/staff").status_code == 303


def test_who_stopped_before_the_codes_gets_them_at_the_next_sign_in(worker: Make, time: Moving) -> None:
    person = worker(app_set=False)
    person.give_password()
    set_up_app(person)
    person.browser = StaffBrowser(person.app)
    time.forward(minutes=2)
    assert person.sign_in().location == "/staff/sign-in/codes"


def test_with_a_second_factor_nobody_sets_up_another_by_password_alone(app: Flask, worker: Make) -> None:
    person = worker()
    person.give_password()
    for path in ("/staff/sign-in/set-up", "/staff/sign-in/set-up/app", "/staff/sign-in/set-up/key"):
        assert person.browser.get(path).location == "/staff/sign-in/second"
        assert person.browser.send(path, form_on="/staff/sign-in").status_code in {303, 405}
    assert person.challenge("add", "/staff/sign-in/second").status_code == 400
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Totp.secret)) == person.secret


def test_a_code_works_once(worker: Make) -> None:
    person = worker()
    person.sign_in()
    other = StaffBrowser(person.app)
    other.send("/staff/sign-in", email=person.email, password=PASSWORD)
    with_app = person.app_code()
    answer = other.send("/staff/sign-in/second", code=with_app)
    # The step may have moved on since; then this code is a new one, used now.
    if answer.status_code == 303:
        other = StaffBrowser(person.app)
        other.send("/staff/sign-in", email=person.email, password=PASSWORD)
        answer = other.send("/staff/sign-in/second", code=with_app)
    assert answer.status_code == 422
    assert "used already" in errors(answer)


NOON = datetime(2026, 11, 26, 12, 0, 15, tzinfo=clock.LONDON)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (0, None), (-1, None), (1, None), (-2, factors.SLOW), (-20, factors.SLOW), (-60, factors.WRONG_CODE),
        (2, factors.WRONG_CODE), (20, factors.WRONG_CODE),
    ],
)  # fmt: skip
def test_a_clock_may_be_one_step_off_and_a_slow_one_is_told_so(steps: int, says: str | None) -> None:
    code = pyotp.TOTP(SECRET).at(NOON, counter_offset=steps)
    if says is None:
        assert factors.fitting_step(SECRET, code, NOON) == int(NOON.timestamp()) // 30 + steps
        return
    with pytest.raises(RuleBroken) as caught:
        factors.fitting_step(SECRET, code, NOON)
    assert caught.value.message == says


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34\0", "-12345", "12345٣"]
)
def test_what_is_no_code_is_told_so(typed: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        factors.fitting_step(SECRET, typed, NOON)
    assert caught.value.message == factors.TYPE_CODE


def test_spaces_in_a_code_do_not_matter() -> None:
    code = pyotp.TOTP(SECRET).at(NOON)
    assert factors.fitting_step(SECRET, f" {code[:3]} {code[3:]} ", NOON)


def test_a_recovery_code_opens_once_and_says_how_many_are_left(
    worker: Make, mails: list[MessageWanted]
) -> None:
    person = worker()
    person.give_password()
    typed = person.codes[0].lower().replace("-", " ")
    answer = person.browser.send("/staff/sign-in/second", code=typed)
    assert answer.location == "/staff/factors"
    page = person.browser.text("/staff/factors")
    assert "9 codes are left." in page
    assert "You signed in with a recovery code." in page
    assert [(m.template, m.params.get("left")) for m in mails][0] == ("staff_recovery_used", "9")
    other = StaffBrowser(person.app)
    other.send("/staff/sign-in", email=person.email, password=PASSWORD)
    answer = other.send("/staff/sign-in/second", code=person.codes[0])
    assert "does not fit, or it was used" in errors(answer)


def test_a_recovery_code_of_somebody_else_opens_nothing(worker: Make) -> None:
    person, other = worker(), worker(organisation="Blue Door")
    person.give_password()
    assert person.browser.send("/staff/sign-in/second", code=other.codes[0]).status_code == 422


def test_who_has_a_password_gets_few_guesses_a_day(app: Flask, worker: Make) -> None:
    person, begin, ahead = worker(), clock.now(), 0
    for number in range(24 * 4 * 3):  # a day, each five minutes from another address
        with app.test_request_context(), contextlib.suppress(RuleBroken):
            sign_in.count_try(
                what="second", email_hash=hash_of_email(person.email), where=sign_in.From(f"192.0.2.{number % 250}"),
                now=begin + timedelta(minutes=5 * number),
            )  # fmt: skip
            ahead += 1
    # 20 for each lock of 15 minutes, 30, an hour, two, four, eight; without them 288, and more when they are quick.
    assert ahead <= 120


def test_the_second_factor_is_guessed_five_times_a_minute(worker: Make, time: Moving) -> None:
    person = worker()
    person.give_password()
    for _ in range(5):
        assert "does not fit" in errors(person.browser.send("/staff/sign-in/second", code="000000"))
    answer = person.browser.send("/staff/sign-in/second", code=person.app_code())
    assert "Too many tries" in errors(answer)
    time.forward(seconds=61)
    assert person.browser.send("/staff/sign-in/second", code=person.app_code()).status_code == 303


@pytest.mark.parametrize("what", ["app", "recovery"])
def test_of_eight_with_the_same_code_one_gets_in(service_on_both: Flask, what: str) -> None:
    app, moment = service_on_both, clock.now()
    person = make_worker(app)
    code = person.app_code(moment) if what == "app" else person.codes[0]
    won, broken, lock = [], [], threading.Lock()

    def use() -> None:
        with app.test_request_context("/staff/sign-in/second", method="POST"):
            try:
                with transaction() as session:
                    factors.use_code(session, staff_id=person.staff_id, code=code, now=moment)
            except RuleBroken as refused:
                with lock:
                    broken.append(refused)
                return
            with lock:
                won.append(1)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(broken)) == (1, 7)


# Changes ask for a proof


def signed_in(worker: Make, time: Moving, **facts: Any) -> Worker:
    """Somebody whose last proof is six minutes old."""
    person = worker(**facts)
    person.sign_in()
    time.forward(minutes=6)
    return person


CHANGES = [
    ("GET", "/staff/factors/app"), ("POST", "/staff/factors/app/remove"), ("GET", "/staff/factors/key"),
    ("GET", "/staff/factors/codes"), ("POST", "/staff/factors/codes"), ("GET", "/staff/factors/password"),
    ("POST", "/staff/factors/password"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_change_asks_for_the_password_again(worker: Make, time: Moving, method: str, path: str) -> None:
    person = signed_in(worker, time)
    if method == "GET":
        answer = person.browser.get(path)
    else:
        answer = person.browser.send(path, form_on="/staff/factors", password="three quiet old bicycles")
    assert answer.status_code == 303
    assert answer.location.startswith("/staff/sign-in/again?next=")
    again = person.browser.send(answer.location, password="not the right password")
    assert "This password does not fit." in errors(again)
    right = person.browser.send(answer.location, password=PASSWORD)
    assert right.location == (path if method == "GET" else "/staff/factors")
    if method == "GET":
        assert person.browser.get(path).status_code == 200


def test_a_sealed_secret_of_somebody_else_or_of_yesterday_is_refused(app: Flask, worker: Make) -> None:
    person, other = worker(), worker(organisation="Blue Door")
    moment = clock.now()
    with app.app_context():
        mine = factors.new_app_secret(staff_id=person.staff_id, now=moment)
        theirs = factors.new_app_secret(staff_id=other.staff_id, now=moment)
        assert factors.open_app_secret(mine, staff_id=person.staff_id, now=moment)
        for sealed, when in (
            (theirs, moment),
            (mine, moment + timedelta(hours=1)),
            ("", moment),
            ("e2.x", moment),
        ):
            with pytest.raises(RuleBroken):
                factors.open_app_secret(sealed, staff_id=person.staff_id, now=when)


def test_a_new_phone_ends_other_sign_ins_and_is_told_by_mail(
    app: Flask, worker: Make, mails: list[MessageWanted], time: Moving
) -> None:
    person = worker()
    person.sign_in()
    elsewhere = person.browser
    person.browser = StaffBrowser(app)
    time.forward(minutes=1)
    person.sign_in()
    before = person.secret
    mails.clear()
    assert set_up_app(person, "/staff/factors/app").location == "/staff/factors"
    assert person.secret != before
    assert [mail.template for mail in mails] == ["staff_factor_changed"]
    assert person.browser.get("/staff").status_code == 200
    assert elsewhere.get("/staff").status_code == 303


def test_a_wrong_first_code_keeps_the_square(worker: Make) -> None:
    person = worker()
    person.sign_in()
    page = person.browser.text("/staff/factors/app")
    answer = person.browser.send("/staff/factors/app", sealed=sealed_on(page), code="000000")
    assert answer.status_code == 422
    assert secret_on(answer.get_data(as_text=True)) == secret_on(page)
    answer = person.browser.send("/staff/factors/app", sealed="e2.AAAA\0", code="000000")
    assert "This square is too old" in errors(answer)


def test_the_last_factor_stays(app: Flask, worker: Make) -> None:
    person = worker()
    person.sign_in()
    answer = person.browser.send("/staff/factors/app/remove", form_on="/staff/factors")
    assert answer.status_code == 422
    assert "your last way" in answer.get_data(as_text=True)
    assert person.add_key(SoftKey()).status_code == 303
    assert person.browser.send("/staff/factors/app/remove", form_on="/staff/factors").status_code == 303
    with app.app_context(), transaction() as session:
        key = session.scalar(select(Passkey.id))
    answer = person.browser.send(f"/staff/factors/keys/{key}/remove", form_on="/staff/factors")
    assert answer.status_code == 422


def test_of_two_removals_at_once_one_factor_stays(service_on_both: Flask) -> None:
    app, moment = service_on_both, clock.now()
    person = make_worker(app)
    with app.app_context(), transaction() as session:
        session.add(
            Passkey(staff_id=person.staff_id, credential_id="a", public_key="a", label="Key", made_at=moment)
        )
        session.flush()
        key = session.scalar(select(Passkey.id))
    assert key
    removals: list[Callable[[Any], None]] = [
        lambda session: factors.remove_app(session, staff_id=person.staff_id, keep=None, now=moment),
        lambda session: factors.remove_key(
            session, staff_id=person.staff_id, key_id=key, keep=None, now=moment
        ),
    ]
    refused = []

    def remove(one: Callable[[Any], None]) -> None:
        with app.test_request_context("/staff/factors", method="POST"):
            try:
                with transaction() as session:
                    one(session)
            except RuleBroken:
                refused.append(1)

    threads = [threading.Thread(target=remove, args=(one,)) for one in removals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    with app.app_context(), transaction() as session:
        assert factors.factors_of(session, staff_id=person.staff_id).any


def test_a_key_of_somebody_else_and_one_that_is_not_there_answer_alike(app: Flask, worker: Make) -> None:
    person, other = worker(), worker(organisation="Blue Door")
    other.sign_in()
    other.add_key(SoftKey())
    person.sign_in()
    with app.app_context(), transaction() as session:
        number = session.scalar(select(Passkey.id))
    pages = [
        person.browser.send(f"/staff/factors/keys/{key}/remove", form_on="/staff/factors")
        for key in (number, 999)
    ]
    assert [page.status_code for page in pages] == [404, 404]
    texts = [re.sub(r'csrf_token" value="[^"]+', "", page.get_data(as_text=True)) for page in pages]
    assert texts[0] == texts[1]


def test_new_recovery_codes_end_the_old_ones(app: Flask, worker: Make) -> None:
    person = worker()
    person.sign_in()
    fresh = codes_on(person.browser.send("/staff/factors/codes").get_data(as_text=True))
    assert len(fresh) == 10
    with app.app_context(), transaction() as session:
        with pytest.raises(RuleBroken):
            factors.use_code(session, staff_id=person.staff_id, code=person.codes[0], now=clock.now())
        assert factors.use_code(session, staff_id=person.staff_id, code=fresh[0], now=clock.now())


def test_a_new_password_ends_other_sign_ins_and_is_told_by_mail(
    app: Flask, worker: Make, mails: list[MessageWanted]
) -> None:
    person = worker()
    person.sign_in()
    mails.clear()
    answer = person.browser.send("/staff/factors/password", password="red door, red door!")
    assert "mostly a name" in errors(answer)
    assert "red door, red" not in answer.get_data(as_text=True)
    assert (
        person.browser.send("/staff/factors/password", password="three quiet old bicycles").status_code == 303
    )
    assert [mail.template for mail in mails] == ["staff_password_changed"]
    person.browser = StaffBrowser(app)
    assert person.give_password().status_code == 422
    assert person.give_password("three quiet old bicycles").status_code == 303


def test_a_reset_leaves_nothing_and_ends_every_sign_in(app: Flask, worker: Make) -> None:
    person = worker()
    person.sign_in()
    with app.app_context(), transaction() as session:
        factors.reset(session, staff_id=person.staff_id, now=clock.now())
        for kept in (Totp, RecoveryCode, Passkey, StaffSession):
            assert session.scalar(select(func.count()).select_from(kept)) == 0
        row = session.scalars(select(AuditRow).where(AuditRow.action == "reset factors")).one()
        assert (row.actor_kind, row.actor_id, row.items) == ("command", None, f"staff-{person.staff_id}")
    assert person.browser.get("/staff").status_code == 303
    assert person.give_password().location == "/staff/sign-in/set-up"


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://Roadmap.Example.org", "https://roadmap.example.org"),
        ("https://roadmap.example.org:443", "https://roadmap.example.org"),
        ("http://localhost:80", "http://localhost"),
        ("https://roadmap.example.org:8443", "https://roadmap.example.org:8443"),
    ],
)
def test_keys_answer_to_the_origin_a_browser_writes(
    app: Flask, monkeypatch: pytest.MonkeyPatch, base_url: str, origin: str
) -> None:
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], base_url=base_url))
    with app.test_request_context():
        assert site().origin == origin


# Keys


def asked(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.get_data())
    return found


def with_key(person: Worker, key: SoftKey, **changed: Any) -> Any:
    """The password, then the key."""
    person.give_password()
    wanted = asked(person.challenge("second", "/staff/sign-in/second"))
    return person.browser.send("/staff/sign-in/second", answer=key.sign({**wanted, **changed}))


def owner_of(worker: Make, key: SoftKey, **facts: Any) -> Worker:
    """Somebody with this key, at a browser that is not signed in."""
    person = worker(**facts)
    person.sign_in()
    assert person.add_key(key).status_code == 303
    person.browser = StaffBrowser(person.app)
    return person


def test_the_first_factor_may_be_a_key(worker: Make) -> None:
    person = worker(app_set=False)
    person.give_password()
    key = SoftKey(verifies=False)
    assert person.add_key(key, on="/staff/sign-in/set-up/key").location == "/staff/sign-in/codes"
    person.browser = StaffBrowser(person.app)
    assert with_key(person, key).location == "/staff/sign-in/codes"


def test_a_key_is_the_second_factor(worker: Make) -> None:
    key = SoftKey(verifies=False)
    person = owner_of(worker, key)
    assert with_key(person, key).location == "/staff"
    assert "Blue key" in person.browser.text("/staff/factors")


def test_an_answer_is_good_once(worker: Make) -> None:
    key = SoftKey(counts=False)
    person = owner_of(worker, key)
    person.give_password()
    wanted = asked(person.challenge("second", "/staff/sign-in/second"))
    answer = key.sign(wanted)
    assert person.browser.send("/staff/sign-in/second", answer=answer).status_code == 303
    other = StaffBrowser(person.app)
    other.send("/staff/sign-in", email=person.email, password=PASSWORD)
    assert other.send("/staff/sign-in/second", answer=answer).status_code == 422


@pytest.mark.parametrize(
    "fault",
    ["challenge", "host", "origin", "copied", "another", "nonsense", "list", "null byte", "huge", "deep"],
)
def test_a_wrong_answer_of_a_key_is_refused(worker: Make, fault: str) -> None:
    key = SoftKey()
    person = owner_of(worker, key)
    changed: dict[str, Any] = {}
    if fault == "challenge":
        changed["challenge"] = passkeys.new_challenge()
    if fault == "host":
        changed["rpId"] = "evil.example"
    if fault == "origin":
        key.origin = "http://evil.example"
    if fault == "copied":
        key.uses = 0
    if fault == "another":
        key = SoftKey()
    odd = {
        "nonsense": "{",
        "list": "[1]",
        "null byte": '{"id": "a\0b"}',
        "huge": "9" * 50_000,
        "deep": "[" * 9_000,
    }
    if fault in odd:
        person.give_password()
        person.challenge("second", "/staff/sign-in/second")
        answer = person.browser.send("/staff/sign-in/second", answer=odd[fault])
    else:
        answer = with_key(person, key, **changed)
    assert answer.status_code == 422
    assert "This key did not open your account" in errors(answer)
    assert person.browser.get("/staff").status_code == 303


def test_a_key_that_checks_its_owner_opens_without_a_password(
    worker: Make, mails: list[MessageWanted]
) -> None:
    key = SoftKey()
    person = owner_of(worker, key, name="Asha Khan")
    wanted = asked(person.challenge("enter", "/staff/sign-in/key"))
    assert (wanted["userVerification"], wanted["allowCredentials"]) == ("required", [])
    answer = person.browser.send("/staff/sign-in/key", answer=key.sign(wanted))
    assert answer.location == "/staff"
    assert "Asha Khan" in person.browser.text("/staff")


def test_a_key_that_only_was_touched_does_not(worker: Make) -> None:
    key = SoftKey(verifies=False)
    person = owner_of(worker, key)
    wanted = asked(person.challenge("enter", "/staff/sign-in/key"))
    answer = person.browser.send("/staff/sign-in/key", answer=key.sign(wanted))
    assert "did not ask who you are" in errors(answer)
    assert person.browser.get("/staff").status_code == 303


def test_a_challenge_without_a_sign_in_is_good_once_also_with_a_copied_cookie(worker: Make) -> None:
    key = SoftKey(counts=False)
    person = owner_of(worker, key)
    wanted = asked(person.challenge("enter", "/staff/sign-in/key"))
    kept = person.browser.client.get_cookie("visit")
    answer = key.sign(wanted)
    assert person.browser.send("/staff/sign-in/key", answer=answer).status_code == 303
    thief = StaffBrowser(person.app)
    assert kept
    thief.client.set_cookie("visit", kept.value)
    assert thief.send("/staff/sign-in/key", answer=answer).status_code == 422
    assert thief.get("/staff").status_code == 303


def test_a_challenge_is_too_old_after_five_minutes(worker: Make, time: Moving) -> None:
    key = SoftKey()
    person = owner_of(worker, key)
    wanted = asked(person.challenge("enter", "/staff/sign-in/key"))
    time.forward(minutes=5, seconds=1)
    assert person.browser.send("/staff/sign-in/key", answer=key.sign(wanted)).status_code == 422


@pytest.mark.parametrize("gone", ["left_at"])
def test_the_key_of_somebody_who_left_opens_nothing(app: Flask, worker: Make, gone: str) -> None:
    from sqlalchemy import update

    from inclusion_app.accounts.models import Staff

    key = SoftKey()
    person = owner_of(worker, key)
    with app.app_context(), transaction() as session:
        session.execute(update(Staff).values({gone: clock.now()}))
    wanted = asked(person.challenge("enter", "/staff/sign-in/key"))
    answer = person.browser.send("/staff/sign-in/key", answer=key.sign(wanted))
    assert "This key did not open" in errors(answer)


def test_a_key_proves_its_owner_again_and_only_with_its_own_challenge(worker: Make, time: Moving) -> None:
    key = SoftKey()
    person = owner_of(worker, key)
    wanted = asked(person.challenge("enter", "/staff/sign-in/key"))
    person.browser.send("/staff/sign-in/key", answer=key.sign(wanted))
    time.forward(minutes=6)
    assert person.challenge("add", "/staff/sign-in/again").status_code == 400
    wanted = asked(person.challenge("again", "/staff/sign-in/again"))
    # One to prove oneself adds no key.
    new = SoftKey()
    made = new.make({"user": {"id": "AA"}, "rp": {"id": "localhost"}, "challenge": wanted["challenge"]})
    answer = person.browser.send(
        "/staff/factors/key", form_on="/staff/sign-in/again", label="Mine", answer=made
    )
    assert answer.status_code == 422
    answer = person.browser.send("/staff/sign-in/again", answer=key.sign(wanted), next="/staff/factors/key")
    assert answer.location == "/staff/factors/key"
    assert person.browser.get("/staff/factors/key").status_code == 200


def test_proving_oneself_again_with_a_key_costs_the_others_of_an_office_no_try(worker: Make) -> None:
    key = SoftKey()
    person = owner_of(worker, key)
    with_key(person, key)
    for _ in range(STAFF_ADDRESS.tries + 1):
        wanted = asked(person.challenge("again", "/staff/sign-in/again"))
        answer = person.browser.send("/staff/sign-in/again", answer=key.sign(wanted))
        assert answer.status_code == 303, errors(answer)
    assert worker(organisation="Blue Door").sign_in().status_code == 303


def test_the_same_key_is_not_added_twice_and_a_name_is_needed(worker: Make) -> None:
    key, person = SoftKey(), worker()
    person.sign_in()
    person.add_key(key)
    assert "added already" in errors(person.add_key(key))
    assert "Give the key a name" in errors(person.add_key(SoftKey(), label=" \u200e "))
    assert "at most 60" in errors(person.add_key(SoftKey(), label="k" * 61))


@pytest.mark.parametrize("purpose", ["", "second", "again", "add", "nonsense\0", "x" * 5000])
def test_a_stranger_is_given_no_challenge_but_the_one_to_enter(app: Flask, purpose: str) -> None:
    browser = StaffBrowser(app)
    answer = browser.send("/staff/sign-in/challenge", form_on="/staff/sign-in", purpose=purpose)
    assert answer.status_code == 400


def test_switching_the_person_ends_the_sign_in_in_one_step(worker: Make) -> None:
    person = worker(roles=("front_desk",))
    person.sign_in()
    assert "Switch person" in person.browser.text("/staff")
    stolen = person.browser.client.get_cookie("staff")
    answer = person.browser.send("/staff/sign-in/switch", form_on="/staff")
    assert answer.location == "/staff/sign-in/key"
    assert stolen
    person.browser.client.set_cookie("staff", stolen.value)
    assert person.browser.get("/staff").status_code == 303
