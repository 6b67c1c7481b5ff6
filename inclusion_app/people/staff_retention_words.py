"""What each kind of the schedule is, why it is kept so long, and where that comes from; for the page of the staff. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.core.words import N_

PROPOSED = N_("Each time is a proposal of this service. The city’s data-protection officer must agree to it.")
SOURCES: Mapping[str, str] = {"audit": N_("Limitation Act 1980, section 5; UK GDPR, article 5(2)")}
# By the name of the kind (see core.retention): what, and why so long.
WORDS: Mapping[str, tuple[str, str]] = {
    "visit": (N_("Answers that were not saved"), N_("Long enough for one stay at a shared screen.")),
    "saved-plan": (
        N_("A saved plan and all that is held of the person, since it was last opened"),
        N_("Somebody who comes back once a year still finds it."),
    ),
    "group": (N_("A self-help group, since it was last opened"), N_("The same as a plan.")),
    "sticker-code": (
        N_("Codes printed on stickers that nobody used"),
        N_("A sticker may lie in a drawer before its paper is typed in."),
    ),
    "place-report": (
        N_("What people wrote about a place"),
        N_("Somebody has to look at it. It goes 90 days after that, at the latest after this time."),
    ),
    "attempt": (
        N_("Counts of wrong tries, and networks a code was opened from"),
        N_("So that waiting gains nobody more tries. Only keyed hashes are kept."),
    ),
    "feedback": (
        N_("A complaint or thanks and its answer, since it was answered"),
        N_("The person can come back to it, and the organisation can learn from it."),
    ),
    "message-text": (
        N_("Text and address of a message that was sent"),
        N_("Long enough to find out why one did not arrive. That it was sent stays."),
    ),
    "booking-contact": (
        N_(
            "How to reach who booked a session, their name for the day, what they need, and the code, since the last date"
        ),
        N_("Long enough to come back to somebody after a course. That somebody came stays."),
    ),
    "booking": (
        N_("Bookings of sessions and who came, without names, since the last date"),
        N_("Two years of figures can be compared, and a month to count them. Sums stay."),
    ),
    "booking-undated": (
        N_("Requests for a session that got no date"),
        N_("After so long nobody waits for it any more. The same as a plan."),
    ),
    "loan-request": (
        N_("Requests for a device that came to nothing, since they ended"),
        N_("Long enough to ask why, and to ask again."),
    ),
    "loan-answers": (
        N_("The answers behind the points of a request, since it ended"),
        N_("Long enough to answer who asks about their place in the queue. The sum of points stays."),
    ),
    "loan": (
        N_("Loans of devices with their agreement, since they ended"),
        N_("Two years of figures can be compared. The device itself stays in the register."),
    ),
    "referral": (
        N_("Referrals with what was said about them, since they ended"),
        N_(
            "As long as records of help are kept after a case was closed. They go at once with a person’s plan."
        ),
    ),
    "public-unconfirmed": (
        N_("What came by the public form and nobody confirmed"),
        N_("As long as the link in the e-mail works. Nobody has read it."),
    ),
    "public-referral": (
        N_("Who filled in the public form and for whom, since it ended"),
        N_("Long enough to come back to whoever asked. That there was one stays for the figures."),
    ),
    "case-note": (
        N_("Notes about a person, since they were written"),
        N_("The same as a referral. They go at once with a person’s plan."),
    ),
    "case-task": (
        N_("Tasks, since they were done"),
        N_("Long enough to see what was done in a year."),
    ),
    "outreach-sheet": (
        N_("Who stood on a printed sheet, since it was destroyed"),
        N_("So that it can be answered who was on paper. One that nobody ticked as destroyed stays."),
    ),
    "partner-link": (
        N_("Links by which a partner answers a referral, since they ended"),
        N_("They open nothing any more. Only a hash is kept."),
    ),
    "saved-view": (
        N_("Saved views of a caseload"),
        N_("They go when whoever made them works there no more."),
    ),
    "staff-session": (N_("Sign-ins of staff that ended"), N_("A sign-in lasts ten hours at most.")),
    "known-device": (
        N_("Browsers a member of staff signed in from"),
        N_("So that a new one is noticed. Only a hash is kept."),
    ),
    "invitation": (
        N_("Invitations of staff, since they ended"),
        N_("So that an admin sees what became of one."),
    ),
    "staff-link": (N_("Links for a new password"), N_("They open nothing after an hour.")),
    "resident-link": (N_("One-time links of residents, since they ended"), N_("They open nothing any more.")),
    "desk-paper": (
        N_("A new code that waits to be printed at a front desk"),
        N_("Long enough to print it with the person there."),
    ),
    "consent": (
        N_("Who a person shared what with"),
        N_("It goes with the saved plan. Ended ones stay until then, to show who could see what."),
    ),
    "audit": (
        N_("The record of who looked and what was changed"),
        N_("To answer for each look. It holds numbers and no typed words. Nothing is cut from it yet."),
    ),
    "backup": (
        N_("Backups"),
        N_("Whoever makes them deletes them. A restore deletes again whoever was deleted since."),
    ),
}
