"""Every message in every language: whole, without a fact where anybody can read it, and the right way round."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from inclusion_app.core import i18n
from inclusion_app.loans.messages import FACTS as LOAN_FACTS
from inclusion_app.messages import templates
from inclusion_app.messages.rules import BY_WIRE
from inclusion_app.messages.templates import BadMessage, MessageTemplate, Text, template_of, write
from inclusion_app.referrals.messages import FACTS as REFERRAL_FACTS
from inclusion_app.training.messages import FACTS as BOOKING_FACTS

EXPECTED = {
    "staff_invitation", "staff_recover", "staff_new_device", "staff_password_changed", "staff_factor_changed",
    "staff_glass_broken", "staff_second_person", "staff_review_due", "staff_tray_late", "staff_feedback",
    "staff_flag_raised", "staff_flag_unread", "staff_flag_assigned",
    "staff_merge_asked", "staff_recovery_used", "resident_link", "resident_new_code", "feedback_answered", "request_done",
    "consent_recorded", "restricted_changed", "training_booked", "training_waitlisted", "training_noted",
    "training_dated", "training_booked_from_list", "training_offer", "training_cancelled", "training_moved",
    "training_remind_days", "training_remind_days_open", "training_dropped", "training_all_cancelled",
    "training_remind_hours", "training_arranged", "training_not_possible", "training_new_room",
    "training_late", "training_bring", "training_words", "training_moved_dates", "training_cancelled_from",
    "training_waitlisted_group", "training_new_room_unsaid", "training_words_unsaid",
    "loan_asked", "loan_back", "loan_begun", "loan_data_ends", "loan_expired", "loan_declined_asked_twice",
    "loan_declined_has_one",
    "loan_declined_no_contact", "loan_declined_no_stock", "loan_declined_not_here", "loan_declined_other_way",
    "loan_due_now", "loan_due_now_keep", "loan_due_soon", "loan_due_soon_keep", "loan_gift", "loan_gift_old",
    "loan_gift_until", "loan_how_is_it", "loan_kept_longer", "loan_late", "loan_late_call", "loan_late_letter",
    "loan_lost", "loan_need_reach", "loan_need_settings", "loan_need_still_wanted", "loan_need_talk",
    "loan_need_where", "loan_need_which", "loan_not_back", "loan_not_kept_most", "loan_not_kept_over",
    "loan_not_kept_waited_for", "loan_offer", "loan_offer_bring", "loan_offer_lapsed", "loan_offer_taken_back", "loan_queued",
    "loan_slot",
    "referral_signposted",
    "referral_sent", "referral_seen", "referral_asked", "referral_answered", "referral_found_out",
    "staff_referral_question",
    "referral_accepted", "referral_accepted_unreached", "referral_accepted_unreached_alone", "referral_waitlisted",
    "referral_begun", "referral_declined", "referral_own_no", "referral_rerouted", "referral_closed",
    "referral_reopened", "referral_recalled", "referral_withdrawn", "referral_lapsed", "staff_referral_came",
    "staff_referral_turned", "staff_referral_yours", "staff_referral_waits", "staff_referral_late", "partner_referral",
    "partner_referral_waits", "partner_referral_ended",
    "public_referral_confirm", "public_referral_news", "public_referral_ended",
    "referral_accepted_alone", "referral_begun_alone", "referral_declined_alone",
    "referral_rerouted_alone", "referral_closed_alone", "referral_reopened_alone", "referral_lapsed_alone",
}  # fmt: skip
# What a text message may say beside its link: for how long it works, of a session when and where it is, and what to
# bring, and of what is lent until which day. None of it is a fact of a person.
NOT_OF_A_PERSON = ("minutes", "when", "until", "time", "room", "things", "day")
OF_A_ROOM = {"training_": BOOKING_FACTS, "loan_": (*LOAN_FACTS, "day"), "referral_": REFERRAL_FACTS}
LINK = "https://roadmap.example.org/en/x/CANARYlink"
# Words nobody else may read over a shoulder: of health, of immigration, of money and of violence.
TELLING = re.compile(
    r"\b(GP|NHS|health|ill|doctor|clinic|mental|disab\w*|visa|asylum|refugee|immigra\w*|Home Office|benefit\w*|"
    r"debt\w*|abuse\w*|violen\w*|police|refuge|safeguard\w*)\b",
    re.I,
)


def canaries(template: MessageTemplate) -> dict[str, str]:
    """Every fact a message may carry, each easy to find again."""
    names = {*template.needs, *template.may, *template.one_of}
    return {name: LINK if name == "link" else f"CANARY{name}" for name in names}


def written(template: MessageTemplate, language: str, channel: str, **more: object) -> Text:
    return write(
        template, canaries(template), language=i18n.LANGUAGES[language], channel=channel,
        service_name=more.pop("service_name", "My digital roadmap"),  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_messages_other_rooms_ask_for_are_there(app: Flask) -> None:
    assert {template.name for template in templates.every_template()} == EXPECTED


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_fact_stands_where_others_can_read_it(app: Flask, name: str, language: str) -> None:
    template = template_of(name)
    with app.app_context():
        mail = written(template, language, "email")
        assert mail.subject
        assert "CANARY" not in mail.subject
        assert "%(" not in mail.subject + mail.body
        assert not TELLING.search(mail.subject)
        if template.audience == "resident" and "sms" in template.channels:
            text = written(template, language, "sms").body
            assert not TELLING.search(text)
            rest = text.replace(LINK, "")
            for name in NOT_OF_A_PERSON:
                rest = rest.replace(f"CANARY{name}", "")
            assert "CANARY" not in rest
            assert len(text) < 400


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_fact_a_message_needs_is_said_somewhere(app: Flask, name: str) -> None:
    template = template_of(name)
    with app.app_context():
        body = written(template, "en", "email").body
    facts = canaries(template)
    by_hand = facts.pop("words", None)  # by wire a link leads to it
    for fact_name, fact in facts.items():
        # What every message about a booking or a loan may say (messages.py of its room), not every one does.
        may_be_said = next((facts for begins, facts in OF_A_ROOM.items() if name.startswith(begins)), ())
        if fact_name in template.needs or fact_name not in may_be_said:
            assert fact in body
    if by_hand:
        with app.app_context(), app.test_request_context():
            assert by_hand in str(
                templates.lines_in_both(template, canaries(template), i18n.language_for("en"))
            )


@pytest.mark.parametrize("channel", sorted(BY_WIRE))
@pytest.mark.parametrize("language", ["ur", "ar"])
def test_right_to_left_lines_begin_so_and_a_link_stands_alone(
    app: Flask, language: str, channel: str
) -> None:
    with app.app_context():
        body = written(template_of("resident_link"), language, channel).body
    lines = [line for line in body.splitlines() if line]
    assert LINK in lines
    for line in lines:
        assert line == LINK or line.startswith(templates.RIGHT_TO_LEFT)
    assert f"{i18n.ISOLATE}CANARYminutes{i18n.END_ISOLATE}" in body


@pytest.mark.parametrize(
    ("words", "marked"),
    [("Come on Monday.", False), ("پیر کو آئیں۔", True), ("12 – 14", False), ("(آئیں)", True)],
)
def test_typed_words_keep_their_own_direction(app: Flask, words: str, marked: bool) -> None:
    template, facts = template_of("feedback_answered"), {"words": words}
    with app.app_context():
        urdu = i18n.language_for("ur")
        body = write(template, facts, language=urdu, channel="email", service_name="X").body
        (typed,) = (pair for pair in templates.lines_in_both(template, facts, urdu) if pair.own == words)
    assert (f"{templates.RIGHT_TO_LEFT}{words}" in body.splitlines()) == marked
    assert (words in body.splitlines()) != marked
    assert typed.is_single
    assert typed.typed_dir == ("rtl" if marked else "ltr")


@pytest.mark.parametrize("link", [True, False])
def test_words_of_an_organiser_stand_in_an_email_too(app: Flask, link: bool) -> None:
    """Nothing in them is of a person, and who reads them on the way has no time for a page. A text message has none."""
    template, facts = (
        template_of("training_words"),
        {"words": "Use the side door.", **({"link": LINK} if link else {})},
    )
    with app.app_context():
        said = [
            write(template, facts, language=i18n.ENGLISH, channel=channel, service_name="X").body
            for channel in ("email", "sms")
        ]
    assert "only in English:\n\nUse the side door." in said[0]
    assert "side door" not in said[1]


def test_english_has_no_sign_that_makes_a_text_message_dearer(app: Flask) -> None:
    with app.app_context():
        body = written(template_of("resident_new_code"), "en", "sms").body
    assert body.isascii()


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if not name.startswith("staff")))
def test_where_the_service_may_not_be_named_it_is_not(app: Flask, name: str) -> None:
    template = template_of(name)
    facts = {key: value for key, value in canaries(template).items() if key != "link"}
    if "link" in template.needs:
        return  # is never sent to them at all (see test_rules)
    with app.app_context():
        for channel in ("email", "sms"):
            text = write(template, facts, language=i18n.ENGLISH, channel=channel, service_name=None)
            assert not re.search(r"roadmap|digital|inclusion", text.subject + text.body, re.I)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("no_such_message", {}),
        ("resident_link", {"link": "x"}),
        ("resident_link", {"link": "x", "minutes": ""}),
        ("resident_link", {"link": "x", "minutes": 30}),
        ("request_done", {"diagnosis": "x"}),
        ("feedback_answered", {"organisation": "x"}),
    ],
)
def test_a_message_that_does_not_exist_or_lacks_a_fact_is_refused(
    app: Flask, name: str, params: dict[str, str]
) -> None:
    with pytest.raises(BadMessage):
        template_of(name).check(params)


def test_days_and_moments_are_said_in_words(app: Flask) -> None:
    with app.app_context():
        body = write(
            template_of("resident_new_code"), {"day": "2026-11-26"}, language=i18n.ENGLISH, channel="email",
            service_name=None,
        ).body  # fmt: skip
        assert "Thursday 26 November 2026" in body
        told = {"when": "2026-07-26T09:30:00+00:00"}
        body = write(
            template_of("staff_password_changed"),
            told,
            language=i18n.ENGLISH,
            channel="email",
            service_name=None,
        ).body
        assert "Sunday 26 July 2026, 10:30" in body


def test_several_dates_are_said_one_after_the_other(app: Flask) -> None:
    facts = {
        "before": "2027-03-19T10:00:00+00:00", "when": "2027-03-20T10:00:00+00:00",
        "dates": "2027-03-20T10:00:00+00:00 2027-03-28T09:00:00+00:00",
    }  # fmt: skip
    said = {}
    with app.app_context():
        for slug in ("en", "ar"):
            said[slug] = write(
                template_of("training_moved_dates"), facts, language=i18n.language_for(slug), channel="email",
                service_name=None,
            ).body  # fmt: skip
    assert (
        "These are your dates now: Saturday 20 March 2027, 10:00; Sunday 28 March 2027, 10:00." in said["en"]
    )
    assert "؛" in said["ar"]
    assert "+00:00" not in said["en"] + said["ar"]


def test_a_message_leaves_the_page_around_it_in_its_own_language(app: Flask) -> None:
    with app.test_request_context("/ur/"):
        from flask import g

        g.language = i18n.LANGUAGES["ur"]
        written(template_of("request_done"), "en", "email")
        assert i18n.current_language().slug == "ur"
        assert i18n.locale_code() == "ur"


def test_facts_with_signs_of_places_are_only_facts(app: Flask) -> None:
    facts = {"organisation": "100 % (free) %(link)s", "link": LINK}
    with app.app_context():
        body = write(
            template_of("consent_recorded"),
            facts,
            language=i18n.ENGLISH,
            channel="email",
            service_name="Any name",
        ).body
    assert "100 % (free) %(link)s" in body


def test_where_the_service_may_not_be_named_the_organisation_is_not_either(app: Flask) -> None:
    facts = {"organisation": "Canary Refuge", "link": LINK}
    for name in ("consent_recorded", "feedback_answered"):
        with app.app_context():
            told = write(template_of(name), facts, language=i18n.ENGLISH, channel="email", service_name=None)
        assert "Canary" not in told.subject + told.body.replace(LINK, "")
