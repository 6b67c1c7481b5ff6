"""The messages to members of staff: all by e-mail, in English. None names a resident."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from inclusion_app.core.words import N_
from inclusion_app.messages import templates
from inclusion_app.messages.templates import MessageTemplate

_to_staff = partial(MessageTemplate, audience="staff", channels=("email",))
NOT_YOU = N_("Was that not you? Change your password at once and tell your organisation’s admin.")

STAFF_TEMPLATES = (
    _to_staff(
        name="staff_invitation",
        subject=N_("You are invited to work with the digital roadmap"),
        lines=(
            N_("%(organisation)s invites you to work with this service."),
            N_("Open the link to make your account. It works once, for %(days)s days."),
            N_("Did you not expect this? Then do nothing. No account is made."),
        ),
        needs=("organisation", "link", "days"),
    ),
    _to_staff(
        name="staff_recover",
        subject=N_("Set a new password"),
        lines=(
            N_("Somebody asked for a new password for your account."),
            N_("Open the link to set one. It works once, for one hour."),
            N_("You will still need your passkey or your app."),
            N_("Did you not ask for it? Then do nothing. Your password stays as it is."),
        ),
        needs=("link",),
        useful_for=timedelta(hours=1),
    ),
    _to_staff(
        name="staff_new_device",
        subject=N_("A new sign-in to your account"),
        lines=(
            N_("Somebody signed in to your account from a device we do not know."),
            N_("Device: %(device)s"),
            N_("When: %(when)s"),
            NOT_YOU,
        ),
        needs=("device", "when"),
    ),
    _to_staff(
        name="staff_password_changed",
        subject=N_("Your password was changed"),
        lines=(N_("The password of your account was changed. When: %(when)s"), NOT_YOU),
        needs=("when",),
    ),
    _to_staff(
        name="staff_factor_changed",
        subject=N_("The second step of your sign-in was changed"),
        lines=(N_("A passkey, app or recovery code of your account was changed. When: %(when)s"), NOT_YOU),
        needs=("when",),
    ),
    _to_staff(
        name="staff_recovery_used",
        subject=N_("A recovery code of your account was used"),
        lines=(
            N_("Somebody signed in to your account with one of your recovery codes. When: %(when)s"),
            N_("Codes left: %(left)s. Make new ones under “Your account” when few are left."),
            NOT_YOU,
        ),
        needs=("when", "left"),
    ),
    _to_staff(
        name="staff_glass_broken",
        subject=N_("Somebody opened a record in an emergency"),
        lines=(
            N_("A member of staff opened a record by break-glass. Its number is %(number)s."),
            N_("Look at it within two working days and write down what you find."),
        ),
        needs=("number", "link"),
    ),
    _to_staff(
        name="staff_second_person",
        subject=N_("Your agreement is asked for"),
        lines=(
            N_("A platform admin asks to open a record in an emergency and needs a second person."),
            N_("Open the link, read the reason, and agree or refuse."),
        ),
        needs=("link",),
    ),
    _to_staff(
        name="staff_review_due",
        subject=N_("A review is due"),
        lines=(N_("An emergency opening of a record waits for your review."),),
        needs=("link",),
    ),
    _to_staff(
        name="staff_tray_late",
        subject=N_("Letters and calls wait in your tray"),
        lines=(
            N_("Letters and calls nobody has touched for two working days: %(count)s"),
            N_("Ask your colleagues to take them, or take them away from whoever cannot."),
        ),
        needs=("count", "link"),
    ),
    _to_staff(
        name="staff_feedback",
        subject=N_("Somebody wrote to your organisation"),
        lines=(N_("A complaint or thanks waits for an answer."),),
        needs=("link",),
    ),
    _to_staff(
        name="staff_merge_asked",
        subject=N_("A second person is asked for"),
        lines=(N_("A colleague asks you to look at two records that may be one person’s."),),
        needs=("link",),
    ),
    # What a concern is about stands behind the sign-in, and nowhere else.
    _to_staff(
        name="staff_flag_raised",
        subject=N_("A colleague asks you to read something today"),
        lines=(
            N_("A colleague wrote down a concern about somebody. Its number is %(number)s."),
            N_("You are the one who reads it. Open the link now and sign in."),
        ),
        needs=("number", "link"),
    ),
    _to_staff(
        name="staff_flag_unread",
        subject=N_("Your organisation has nobody with an important role"),
        lines=(
            N_("A colleague wrote down a concern about somebody. Nobody may read it: a lead is missing."),
            N_("Its number is %(number)s. Give a colleague this role today."),
        ),
        needs=("number", "link"),
    ),
    _to_staff(
        name="staff_flag_assigned",
        subject=N_("You are asked to work on something"),
        lines=(
            N_(
                "Your lead asks you to work on a concern. Its number is %(number)s. Open the link and sign in."
            ),
        ),
        needs=("number", "link"),
    ),
)
templates.add(STAFF_TEMPLATES)
