"""The list and the page of a referral: who sees what of it, what may be done, and what is refused."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from inclusion_app.accounts import record_words
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import engine, transaction
from inclusion_app.core.history import StatusChange
from inclusion_app.messages.models import Message
from inclusion_app.people import my_record_words
from inclusion_app.people.consent_services import withdraw_consent
from inclusion_app.people.models import Consent, Resident, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_referral_forms as forms
from inclusion_app.referrals import staff_referral_words as words
from inclusion_app.referrals.models import (
    CaseTask,
    CityService,
    PublicReferral,
    Referral,
    ReferralNote,
    ReferralWords,
)
from inclusion_app.referrals.services import machine, public, sending
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import WHY, make_note
from tests.referrals.paths import NAME, Doors

LIST, HOME = "/staff/referrals", "/staff"


@pytest.fixture
def doors(app: Flask) -> Doors:
    return Doors(app)


def page(number: int, what: str = "") -> str:
    return f"{LIST}/{number}{'/' if what else ''}{what}"


def press(browser, number: int, action: str, **typed):  # type: ignore[no-untyped-def]
    data = {f"{action}-{name}": value for name, value in typed.items()}
    return browser.send(page(number, action), form_on=HOME, **data)


def rows(app: Flask, action: str) -> list[AuditRow]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id)))


# --- the list


def test_both_sides_find_it_in_their_list_with_its_clock_and_whoever_may_read_the_name(
    doors: Doors, app: Flask
) -> None:
    number = doors.refer(urgency="urgent")
    received = doors.receiver.text(LIST)
    assert f"Referral {number}" in received and NAME in received and "Red Door" in received
    assert "Say that you have seen it by" in received and "Urgent" in received
    sent = doors.sender.text(f"{LIST}?which=sent")
    assert NAME in sent and "Blue Door" in sent and "They look at it by" in sent and "Rita Red" in sent
    assert "No referral fits." in doors.receiver.text(f"{LIST}?which=sent")
    of_list = rows(app, "read referrals.referrals")
    assert len(of_list) == 3 and {row.resident_id for row in of_list} == {None}


def test_a_name_that_is_not_shared_stands_in_no_list_and_on_no_page(doors: Doors) -> None:
    number = doors.refer(items=("contact",))
    assert NAME not in doors.receiver.text(LIST)
    shown = doors.receiver.text(page(number))
    assert NAME not in shown and "07700 900123" in shown
    assert f"Referral {number}" in shown


def test_the_filters_stand_in_the_address_and_what_is_none_is_the_usual(doors: Doors, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        others = [doors.person(session, name=f"Person {n}") for n in range(3)]
    waits = doors.refer()
    mine = doors.refer("acknowledge", resident_id=others[0], done_by=doors.receiver.staff_id)
    asked = doors.refer("acknowledge", "ask", resident_id=others[1])
    ended = doors.refer("decline", resident_id=others[2])
    with app.app_context(), transaction() as session:
        session.get_one(Referral, mine).clock_since = now() - timedelta(days=20)
        session.get_one(Referral, mine).clock_due = now() - timedelta(days=10)

    def found(query: str, browser=doors.receiver) -> set[int]:  # type: ignore[no-untyped-def]
        text = browser.text(f"{LIST}?{query}")
        return {
            number
            for number in (waits, mine, asked, ended)
            if f"Referral {number}<" in text.replace(" <", "<")
        }

    assert found("") == found("state=strange&owner=x") == {waits, mine, asked}
    assert found("state=ended") == {ended}
    assert found("state=all") == {waits, mine, asked, ended}
    assert found("state=needs_info") == {asked}
    assert found("owner=mine") == {mine} and found("owner=nobody") == {waits, asked}
    assert found("due=late") == {mine} and found("due=week") == {waits}
    assert found("waits=us") == {waits, mine} and found("waits=others") == {asked}
    assert found("which=sent&waits=us", doors.sender) == {asked}
    text = doors.receiver.text(LIST)
    assert "Late since" in text
    # What is due first stands first; what stands still comes after.
    assert text.index(f"Referral {mine}") < text.index(f"Referral {waits}") < text.index(f"Referral {asked}")


def test_a_list_asks_as_many_questions_for_thirty_as_for_one(doors: Doors, app: Flask) -> None:
    def questions() -> int:
        with app.app_context():
            found: list[str] = []
            event.listen(engine(), "before_cursor_execute", lambda *asked: found.append(asked[2]))
            doors.receiver.text(LIST)
            return len(found)

    doors.refer()
    few = questions()
    with app.app_context(), transaction() as session:
        others = [doors.person(session, name=f"Person {n}") for n in range(31)]
    for number in others:
        doors.refer(resident_id=number)
    assert questions() <= few * 3  # each listener of before counts once more; never one for each line
    text = doors.receiver.text(LIST)
    assert "32 referrals, page 1 of 2" in text and "Next page" in text
    assert "page 2 of 2" in doors.receiver.text(f"{LIST}?page=2")


# --- one


def test_the_receiver_reads_what_is_shared_and_one_row_says_so(doors: Doors, app: Flask) -> None:
    number = doors.refer(mode="warm")
    shown = doors.receiver.text(page(number))
    for part in (NAME, "07700 900123", WHY, "We called together", "Kim of the desk", "Somali"):
        assert part in shown
    assert "Rita Red, Red Door" in shown
    (row,) = rows(app, "read referrals.referral")
    assert row.resident_id == doors.resident_id and row.items == "identity contact referral"
    assert row.organisation_id == doors.receiver.organisation_id


def test_the_history_says_what_was_done_and_not_only_where_it_stands(doors: Doors) -> None:
    page = doors.sender.text(f"/staff/referrals/{doors.refer('acknowledge', 'ask', 'answer')}")
    history = page[page.index("Who did what, oldest first") :]
    assert re.findall(r'data-label="State">([^<]+)<', history) == [
        "Sent", "Seen", "They asked something", "The question was answered",
    ]  # fmt: skip


def test_what_a_case_offers_opens(doors: Doors, app: Flask) -> None:
    doors.refer("accept")
    mine, received = f"/staff/people/{doors.resident_id}/case", doors.receiver
    for who in (doors.sender, received):
        page = who.text(mine)
        links = re.findall(rf'href="(/staff/people/{doors.resident_id}/[^"]+)"', page)
        assert links and all(who.get(link.replace("&amp;", "&")).status_code == 200 for link in links), links
    assert "Do it together" in doors.sender.text(mine) and "Do it together" not in received.text(mine)


def test_how_never_to_reach_somebody_stands_above_how_to_and_a_letter_is_a_way(
    doors: Doors, app: Flask
) -> None:
    with app.app_context(), transaction() as session:
        someone = make_person(session, name=NAME, address="1 Test Street", safe_contact={"never_call": True})
        number = someone.id
    page = doors.receiver.text(f"/staff/referrals/{doors.refer(resident_id=number)}")
    assert (
        '<h3 id="safe">Read this before you contact them</h3>' in page
        and "Nothing but the address below." in page
    )
    assert page.index('id="safe"') < page.index("1 Test Street")


def test_the_receivers_buttons_are_those_of_the_rules_and_the_senders_theirs(doors: Doors) -> None:
    number = doors.refer()
    received, sent = doors.receiver.text(page(number)), doors.sender.text(page(number))
    for action in ("acknowledge", "accept", "waitlist", "decline", "reroute"):
        assert (
            f'action="{page(number, action)}"' in received and f'action="{page(number, action)}"' not in sent
        )
    assert (
        f'action="{page(number, "recall")}"' in sent and f'action="{page(number, "recall")}"' not in received
    )
    assert f'action="{page(number, "ask")}"' not in received


def test_whoever_asked_goes_on_when_they_know_it_themself(doors: Doors) -> None:
    """The person rang them, say. Nobody waits for an answer that is not needed, nor for one that never comes."""
    number = doors.refer()
    assert press(doors.receiver, number, "accept").status_code == 303
    assert press(doors.receiver, number, "ask", words="On which days?").status_code == 303
    assert f'action="{page(number, "found_out")}"' not in doors.sender.text(page(number))
    assert press(doors.sender, number, "found_out").status_code == 422
    assert "1 question about somebody you referred" in doors.sender.text(HOME)
    assert f'action="{page(number, "found_out")}"' in doors.receiver.text(page(number))
    answer = press(doors.receiver, number, "found_out")
    assert answer.status_code == 303 and doors.state(number) == "accepted"
    shown = doors.receiver.text(page(number))
    assert "It goes on without an answer." in shown and f'action="{page(number, "begin")}"' in shown
    assert "question about somebody you referred" not in doors.sender.text(HOME)
    assert f'action="{page(number, "answer")}"' not in doors.sender.text(page(number))
    # Pressed twice it is said once more, and is no fault.
    assert press(doors.receiver, number, "found_out").status_code == 303
    turns = doors.receiver.text(page(number))
    assert "It goes on without an answer" in turns and "The question was answered" not in turns
    # An answer that was typed in the same moment comes too late, and is told so.
    late = press(doors.sender, number, "answer", words="Any day but Friday.")
    assert late.status_code == 422 and "Any day but Friday." in late.get_data(as_text=True)


def test_the_whole_way_from_seen_to_closed_and_open_again(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    assert press(doors.receiver, number, "acknowledge").status_code == 303
    assert press(doors.receiver, number, "ask", words="On which days?").status_code == 303
    assert "They wait for your answer" in doors.sender.text(page(number))
    assert "1 question about somebody you referred" in doors.sender.text(HOME)
    assert press(doors.sender, number, "answer", words="Any day but Friday.").status_code == 303
    assert press(doors.receiver, number, "accept").status_code == 303
    assert press(doors.receiver, number, "begin").status_code == 303
    assert press(doors.receiver, number, "close", outcome="got_help", words="All well.").status_code == 303
    shown = doors.sender.text(page(number))
    assert "Got help" in shown and "All well." in shown and "On which days?" in shown
    line = doors.receiver.text(page(number))
    assert NAME not in line and WHY not in line and "Got help" in line
    # Open again: what was shared has ended, so they are asked anew.
    bare = press(doors.receiver, number, "reopen")
    text = bare.get_data(as_text=True)
    assert bare.status_code == 422
    for said in (machine.CHOOSE_REASON, sending.CHOOSE_ITEMS, words.CHOOSE_HOW, sending.SAY_YES):
        assert said in text
    assert press(
        doors.receiver, number, "reopen", reason="came_back", items=["identity"], how="spoken", consent="y"
    ).status_code == 303  # fmt: skip
    assert doors.state(number) == "active" and NAME in doors.receiver.text(page(number))
    assert "07700" not in doors.receiver.text(page(number))
    with app.app_context(), transaction() as session:
        yes = session.get_one(Consent, session.get_one(Referral, number).consent_id)
        assert yes.told_staff_id == doors.receiver.staff_id and yes.how == "spoken" and yes.is_for_referral
    assert [row.action for row in rows(app, "accept referral")] == ["accept referral"]


def test_all_that_is_missing_is_said_at_once_and_what_was_typed_stays(doors: Doors) -> None:
    number = doors.refer()
    answer = press(doors.receiver, number, "decline", words="We are moving house")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "<title>Error:" in text
    assert machine.CHOOSE_REASON in text and machine.CHOOSE_WHO in text and "We are moving house" in text
    assert 'href="#decline-reason-0"' in text and 'id="decline-reason-0"' in text
    waits = press(doors.receiver, number, "waitlist", promised_on=["31", "2", "2027"])
    assert waits.status_code == 422 and words.WRONG_DAY in waits.get_data(as_text=True)
    assert 'value="31"' in waits.get_data(as_text=True)
    long = press(doors.receiver, number, "decline", reason="not_safe", by="provider", words="x" * 1001)
    assert long.status_code == 422 and machine.TOO_LONG in long.get_data(as_text=True)
    assert doors.state(number) == "sent"


def test_a_day_on_the_waiting_list_is_promised_to_the_sender_too(doors: Doors) -> None:
    number = doors.refer()
    day = today() + timedelta(days=40)
    typed = [str(day.day), str(day.month), str(day.year)]
    assert press(doors.receiver, number, "waitlist", promised_on=typed).status_code == 303
    assert "promised for" in doors.sender.text(page(number))


def test_a_no_is_a_dead_end_for_nobody(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    assert press(doors.receiver, number, "decline", reason="no_capacity", by="provider").status_code == 303
    shown = doors.sender.text(page(number))
    assert "What to do next" in shown and "Find another way" in shown and "The service is full" in shown
    assert "It is shared no more" in shown


def test_a_better_service_is_named_and_nothing_is_sent_on(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    with app.app_context(), transaction() as session:
        better = CityService(
            organisation_id=doors.receiver.organisation_id, name="Better help", helps="digital", summary="Better.",
            made_at=now(),
        )  # fmt: skip
        session.add(better)
        session.flush()
        better_id = better.id
    nothing = press(doors.receiver, number, "reroute", better="0")
    assert nothing.status_code == 422 and machine.CHOOSE_SERVICE in nothing.get_data(as_text=True)
    assert press(doors.receiver, number, "reroute", better="999999").status_code == 422
    assert press(doors.receiver, number, "reroute", better=str(better_id)).status_code == 303
    assert "Better help" in doors.sender.text(page(number))
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count(Referral.id))) == 1


def test_two_accept_and_the_second_reads_who_was_quicker(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    other = doors.staff("caseworker", organisation="Blue Door", name="Zoe Blue")
    assert press(doors.receiver, number, "accept").status_code == 303
    late = press(other, number, "accept")
    text = late.get_data(as_text=True)
    assert late.status_code == 422 and "Ben Blue was quicker" in text and "Accepted" in text
    # The same press twice is one, and no mistake.
    assert press(doors.receiver, number, "accept").status_code == 303
    assert len(rows(app, "accept referral")) == 1
    with app.app_context(), transaction() as session:
        assert session.get_one(Referral, number).owner_id == doors.receiver.staff_id
        moves = select(func.count()).where(StatusChange.noun == "referrals", StatusChange.after == "accepted")
        assert session.scalar(moves) == 1


def test_withdrawn_is_one_line_on_the_next_request_and_a_stale_page_changes_nothing(
    doors: Doors, app: Flask
) -> None:
    number = doors.refer("acknowledge")
    assert NAME in doors.receiver.text(page(number))
    with app.app_context(), transaction() as session:
        consent_id = session.get_one(Referral, number).consent_id or 0
        withdraw_consent(session, resident_id=doors.resident_id, consent_id=consent_id, now=now())
    stale = press(doors.receiver, number, "accept")
    assert stale.status_code == 422 and NAME not in stale.get_data(as_text=True)
    line = doors.receiver.text(page(number))
    assert "Taken back by the person" in line and NAME not in line and WHY not in line
    assert doors.state(number) == "withdrawn" and NAME not in doors.receiver.text(f"{LIST}?state=all")


def test_what_is_not_ones_own_answers_like_what_is_not(doors: Doors) -> None:
    number = doors.refer()
    stranger = doors.staff("caseworker", organisation="Green Door")
    assert stranger.get(page(number)).status_code == stranger.get(page(999_999)).status_code == 404
    assert press(stranger, number, "accept").status_code == 404
    assert stranger.send(page(number, "owner"), form_on=HOME, do="take").status_code == 404
    assert stranger.send(page(number, "partner-link"), form_on=HOME, do="send").status_code == 404
    assert press(doors.receiver, number, "nonsense").status_code == 404
    # Neither side does what the other one may.
    assert press(doors.receiver, number, "recall").status_code == 422
    assert press(doors.sender, number, "accept").status_code == 422
    assert doors.state(number) == "sent"


def test_whom_the_person_keeps_away_sees_no_line_of_it(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    other = doors.staff("caseworker", organisation="Blue Door")
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=doors.resident_id, staff_id=other.staff_id, made_at=now()))
    assert other.get(page(number)).status_code == 404 and f"Referral {number}" not in other.text(LIST)
    assert doors.receiver.get(page(number)).status_code == 200


def test_a_safeguarding_lead_reads_what_was_sent_but_takes_nothing_back(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    lead = doors.staff("safeguarding_lead", organisation="Red Door")
    with app.app_context(), transaction() as session:
        put_on_caseload(
            session,
            resident_id=doors.resident_id,
            staff_id=lead.staff_id,
            organisation_id=lead.organisation_id,
        )
    shown = lead.text(page(number))
    assert f'action="{page(number, "recall")}"' not in shown
    assert press(lead, number, "recall").status_code == 404
    assert doors.state(number) == "sent"


def test_a_note_goes_along_while_it_is_shared(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    with app.app_context(), transaction() as session:
        note = make_note(
            session, resident_id=doors.resident_id, organisation_id=doors.sender.organisation_id,
            author_id=doors.sender.staff_id, words="Likes to come in the morning.",
        )  # fmt: skip
        other = make_note(
            session, resident_id=doors.resident_id, organisation_id=doors.sender.organisation_id, words="Not along."
        )  # fmt: skip
        session.add(ReferralNote(referral_id=number, note_id=note.id))
        assert other.id
    shown = doors.receiver.text(page(number))
    assert "Likes to come in the morning." in shown and "Not along." not in shown
    assert "notes" in rows(app, "read referrals.referral")[-1].items
    press(doors.receiver, number, "decline", reason="not_safe", by="provider")
    assert "Likes to come" not in doors.receiver.text(page(number))


def test_only_told_where_to_go_nobody_received_and_the_sender_writes_how_it_went(doors: Doors) -> None:
    number = doors.refer(mode="signposted", items=())
    assert doors.receiver.get(page(number)).status_code == 404
    assert press(doors.sender, number, "close", outcome="got_help").status_code == 303
    assert doors.state(number) == "closed"


# --- owners


def test_an_admin_gives_an_owner_without_opening_and_nobody_is_named(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    admin = doors.staff("organisation_admin", organisation="Blue Door")
    shown = admin.text(f"{LIST}/assign")
    assert f"Referral {number}" in shown and NAME not in shown and f'href="{page(number)}"' not in shown
    assert admin.get(page(number)).status_code == 403 and admin.get(LIST).status_code == 403
    assert "1 referral has no owner" in admin.text(HOME)
    send = {"form_on": f"{LIST}/assign"}
    nobody = admin.send(page(number, "owner"), **send, was="0", **{f"r{number}-to": "0"})
    assert nobody.status_code == 422
    foreign = admin.send(
        page(number, "owner"), **send, was="0", **{f"r{number}-to": str(doors.sender.staff_id)}
    )
    assert foreign.status_code == 422
    given = {f"r{number}-to": str(doors.receiver.staff_id)}
    assert admin.send(page(number, "owner"), **send, was="0", **given).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.get_one(Referral, number).owner_id == doors.receiver.staff_id
        told = select(func.count()).where(Message.key.startswith(f"referral {number} owner"))
        assert session.scalar(told) == 1
    assert len(rows(app, "give referral an owner")) == 1
    # A stale page: somebody else owns it by now.
    other = doors.staff("caseworker", organisation="Blue Door", name="Zoe Blue")
    stale = admin.send(page(number, "owner"), **send, was="0", **{f"r{number}-to": str(other.staff_id)})
    assert stale.status_code == 422
    assert "no owner" not in admin.text(HOME)


def test_take_it_myself(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    assert "Take it myself" in doors.receiver.text(page(number))
    send = {"form_on": page(number), "do": "take", "from": "page"}
    assert doors.receiver.send(page(number, "owner"), was="0", **send).status_code == 303
    other = doors.staff("caseworker", organisation="Blue Door")
    assert other.send(page(number, "owner"), was="0", **send).status_code == 422
    with app.app_context(), transaction() as session:
        assert session.get_one(Referral, number).owner_id == doors.receiver.staff_id


def test_nobody_whom_the_person_keeps_away_is_made_the_owner(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    kept = doors.staff("caseworker", organisation="Blue Door")
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=doors.resident_id, staff_id=kept.staff_id, made_at=now()))
    answer = doors.receiver.send(
        page(number, "owner"), form_on=HOME, was="0", **{f"r{number}-to": str(kept.staff_id)}
    )
    assert answer.status_code == 422 and words.CANNOT_OWN in answer.get_data(as_text=True)


# --- the home page


def test_what_came_in_waits_on_the_home_page(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    assert "1 referral has come in" in doors.receiver.text(HOME)
    with app.app_context(), transaction() as session:
        one = session.get_one(Referral, number)
        one.clock_since, one.clock_due = now() - timedelta(days=9), now() - timedelta(days=1)
    assert "1 referral is late" in doors.receiver.text(HOME)
    press(doors.receiver, number, "acknowledge")
    assert "1 referral waits for a yes or no" in doors.receiver.text(HOME)
    assert "referral" not in doors.sender.text(HOME).partition("<main")[2]


def test_whose_sign_in_may_not_follow_sees_no_list(doors: Doors) -> None:
    desk = doors.staff("front_desk", organisation="Red Door")
    assert desk.get(LIST).status_code == 403 and desk.get(f"{LIST}/assign").status_code == 403
    referrer = doors.staff("referrer", organisation="Red Door")
    assert referrer.get(LIST).status_code == 200 and referrer.get(f"{LIST}/assign").status_code == 403


def test_a_referrer_follows_what_they_sent_themselves(doors: Doors, app: Flask) -> None:
    referrer = doors.staff("referrer", organisation="Red Door")
    theirs = doors.refer()
    with app.app_context(), transaction() as session:
        session.get_one(Referral, theirs).sender_staff_id = referrer.staff_id
        make_consent(session, resident_id=doors.resident_id, organisation_id=referrer.organisation_id)
    assert f"Referral {theirs}" in referrer.text(LIST)
    assert press(referrer, theirs, "recall").status_code == 303
    assert doors.state(theirs) == "recalled"
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count(CaseTask.id))) == 0
        assert session.scalar(select(func.count(ReferralWords.id))) == 1
    assert rules.STATES["recalled"] in referrer.text(page(theirs))


def test_every_act_and_look_has_words_for_the_log_and_for_whom_it_is_about() -> None:
    looks = {f"read referrals.{page}" for page in ("referrals", "referral", "act", "partner", "partner_act")}
    acts = {f"{action} referral" for action in forms.FORMS}
    acts |= {"give referral an owner", "send partner link", "end partner link", *looks}
    assert sorted(acts - set(record_words.ACTIONS)) == []
    assert sorted(acts - set(my_record_words.DONE)) == []
    assert set(words.DONE) == set(words.PARTNER_DONE) == set(forms.FORMS)
    assert set(forms.FORMS) - words.AT_ONCE == set(words.HINTS_UNRECORDED)
    # Somebody with a record takes it back themself.
    assert set(words.HINTS_UNRECORDED) - set(words.HINTS) == {"withdraw"}


# --- what is special


def make_public(doors: Doors, app: Flask, **service: object) -> int:
    """Somebody filled in the public form for a neighbour, and confirmed it."""
    with app.app_context(), transaction() as session:
        found = session.get_one(CityService, doors.service_id)
        for name, value in service.items():
            setattr(found, name, value)
        one = Referral(
            form_key=secrets.token_hex(16), service_id=found.id, organisation_id=found.organisation_id, mode="cold",
            status="draft", made_at=now(),
        )  # fmt: skip
        session.add(one)
        session.flush()
        session.add(
            PublicReferral(
                referral_id=one.id, from_kind="jobcentre", from_name="Jo Centre", from_organisation="Jobcentre Ardwick",
                from_email="jo@example.org", about_name=NAME, about_contact="0161 496 0000", expires_at=now(),
                confirmed_at=now(),
            )
        )  # fmt: skip
        session.add(ReferralWords(referral_id=one.id, kind="why", words=WHY, at=now()))
        machine.act(session, referral=one, actor=rules.STRANGER, action="confirm", now=now())
        return one.id


def test_a_public_one_shows_who_asked_and_for_whom_until_it_ends(doors: Doors, app: Flask) -> None:
    number = make_public(doors, app)
    listed = doors.receiver.text(LIST)
    assert f"Referral {number}" in listed and "The public form" in listed and NAME not in listed
    shown = doors.receiver.text(page(number))
    for part in (
        NAME,
        "0161 496 0000",
        "Jo Centre",
        "Jobcentre Ardwick",
        WHY,
        "Whoever filled in the public form",
    ):
        assert part in shown
    assert doors.sender.get(page(number)).status_code == 404
    for action in ("accept", "begin"):
        assert press(doors.receiver, number, action).status_code == 303
    assert press(doors.receiver, number, "close", outcome="got_help").status_code == 303
    assert NAME not in doors.receiver.text(page(number))
    # Nothing was shared by a consent, so opening it again asks for none.
    again = doors.receiver.text(page(number))
    assert "Why is it open again?" in again and "How did they say yes?" not in again
    assert press(doors.receiver, number, "reopen", reason="mistake").status_code == 303
    assert NAME in doors.receiver.text(page(number))


def test_a_restricted_person_is_seen_by_whoever_looks_after_the_referral_alone(
    doors: Doors, app: Flask
) -> None:
    number = doors.refer()
    with app.app_context(), transaction() as session:
        session.get_one(Resident, doors.resident_id).is_restricted = True
    assert doors.receiver.get(page(number)).status_code == 404
    assert doors.receiver.send(page(number, "owner"), form_on=HOME, do="take", was="0").status_code == 404
    admin = doors.staff("organisation_admin", organisation="Blue Door")
    given = {f"r{number}-to": str(doors.receiver.staff_id)}
    assert admin.send(page(number, "owner"), form_on=f"{LIST}/assign", was="0", **given).status_code == 303
    assert NAME in doors.receiver.text(page(number))
    assert doors.staff("caseworker", organisation="Blue Door").get(page(number)).status_code == 404


def test_the_sender_opens_it_again_with_a_new_yes(doors: Doors, app: Flask) -> None:
    number = doors.refer("accept", "begin", "close")
    yes = {"items": ["identity", "contact"], "how": "paper", "consent": "y"}
    foreign = press(doors.sender, number, "reopen", reason="new_need", **(yes | {"items": ["safeguarding"]}))
    assert foreign.status_code == 422 and doors.state(number) == "closed"
    assert press(doors.sender, number, "reopen", reason="new_need", **yes).status_code == 303
    assert press(doors.sender, number, "reopen", reason="new_need", **yes).status_code == 303
    assert NAME in doors.receiver.text(page(number))
    with app.app_context(), transaction() as session:
        wanted = select(func.count()).where(Consent.organisation_id == doors.receiver.organisation_id)
        assert session.scalar(wanted) == 2


def test_a_public_one_nobody_answered_stands_with_whoever_leads_there(doors: Doors, app: Flask) -> None:
    lead = doors.staff("safeguarding_lead", organisation="Blue Door")
    number = make_public(doors, app)
    with app.app_context(), transaction() as session:
        machine.act(
            session, referral=session.get_one(Referral, number), actor=rules.CLOCK, action="lapse", now=now()
        )
    assert "1 referral was answered by nobody" in lead.text("/staff")
    shown = lead.text("/staff/referrals/assign")
    assert f"Referral {number}" in shown and "Nobody works on it." in shown and NAME not in shown


def test_a_public_one_of_whom_is_restricted_stays_with_whoever_put_it_on_record(
    doors: Doors, app: Flask
) -> None:
    number = make_public(doors, app)
    me = Principal(
        "staff", staff_id=doors.receiver.staff_id, organisation_id=doors.receiver.organisation_id,
        roles=frozenset({"caseworker"}),
    )  # fmt: skip
    with app.app_context(), transaction() as session:
        person, referral = make_person(session, is_restricted=True), session.get_one(Referral, number)
        public.put_on_record(
            session, referral=referral, resident=person, items=("identity",), language="en", actor=me, now=now()
        )  # fmt: skip
        assert referral.owner_id == doors.receiver.staff_id
    assert doors.receiver.get(page(number)).status_code == 200


def test_what_cannot_be_opened_again_says_so(doors: Doors, app: Flask) -> None:
    number = doors.refer("accept", "begin", "close")
    again = {"reason": "came_back", "items": ["identity"], "how": "spoken", "consent": "y"}
    beside = doors.refer()
    answer = press(doors.sender, number, "reopen", **again)
    assert answer.status_code == 422 and machine.THERE_ALREADY in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        machine.act(
            session,
            referral=session.get_one(Referral, beside),
            actor=rules.SENDER,
            action="recall",
            now=now(),
        )
        session.get_one(CityService, doors.service_id).closed_at = now()
    answer = press(doors.sender, number, "reopen", **again)
    assert answer.status_code == 422 and machine.SERVICE_CLOSED in answer.get_data(as_text=True)
    assert doors.state(number) == "closed"


# --- what a page says after a refusal, and twice


def test_loaded_anew_after_a_refusal_it_leads_back_to_the_referral(doors: Doors) -> None:
    number = doors.refer()
    for what in ("decline", "owner", "partner-link"):
        browser = doors.sender if what == "partner-link" else doors.receiver
        answer = browser.get(page(number, what))
        assert (answer.status_code, answer.location) == (303, page(number)), what
    assert doors.receiver.get(page(number, "dance")).status_code == 404
    assert doors.state(number) == "sent"


def test_what_was_done_already_is_said_to_whoever_presses_again(doors: Doors) -> None:
    number = doors.refer()
    for _press in range(2):
        assert press(doors.receiver, number, "acknowledge").status_code == 303
    assert words.SEEN_ALREADY in doors.receiver.text(page(number))
    press(doors.receiver, number, "accept")
    assert words.DONE["accept"] in doors.receiver.text(page(number))
    # A tab that still stands at the first button.
    press(doors.receiver, number, "acknowledge")
    assert words.SEEN_ALREADY in doors.receiver.text(page(number))
    for _press in range(2):
        press(doors.receiver, number, "begin")
        assert words.DONE["begin"] in doors.receiver.text(page(number))


def test_who_takes_one_too_late_stays_there_and_reads_who_has_it(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    quicker = doors.staff("caseworker", organisation="Blue Door", name="Quick Quinn")
    with app.app_context(), transaction() as session:
        session.get_one(Referral, number).owner_id = quicker.staff_id
    typed = {"was": "0", "do": "take", "from": "page"}
    answer = doors.receiver.send(page(number, "owner"), form_on=HOME, **typed)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Quick Quinn was quicker" in text and "How it stands" in text
    (row,) = rows(app, "read referrals.give_owner")
    assert row.resident_id == doors.resident_id and "referral" in row.items


def test_the_page_begins_with_what_can_be_done_and_leaves_out_what_was_not_said(doors: Doors) -> None:
    text = doors.receiver.text(page(doors.refer()))
    order = [
        text.index(said)
        for said in ("How it stands", "What you can do now", "Blue help", "<h2>The person</h2>")
    ]
    assert order == sorted(order)
    assert "Not said" not in text and "Age group" not in text and "oldest first" in text


def test_a_message_back_is_offered_where_it_opens_and_leads_back(doors: Doors) -> None:
    number = doors.refer()
    assert page(number, "message-back") in doors.sender.text(page(number))
    assert f'href="{page(number)}"' in doors.sender.text(page(number, "message-back"))
    told = doors.refer(mode="signposted", items=())
    shown = doors.sender.text(page(told))
    assert page(told, "message-back") not in shown and "Told where to go" in shown and ">Sent<" not in shown


def test_who_may_not_know_how_to_reach_somebody_is_not_told_to(doors: Doors) -> None:
    number = doors.refer("acknowledge", mode="warm", items=("identity",))
    press(doors.receiver, number, "accept")
    text = doors.receiver.text(page(number))
    assert words.ACCEPTED_UNREACHED in text and "you contact them" not in text


def test_of_somebody_without_a_record_no_word_says_that_they_are_told(doors: Doors, app: Flask) -> None:
    number = make_public(doors, app)
    assert words.HINTS["waitlist"] not in doors.receiver.text(page(number))
    # Pressed twice it says the same.
    for _press in range(2):
        press(doors.receiver, number, "accept")
        text = doors.receiver.text(page(number))
        assert words.DONE_UNRECORDED["accept"] in text and "person is told" not in text
