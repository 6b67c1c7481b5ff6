"""What the pages of referrals say: filters, clocks, what was done."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.accounts import record_words
from inclusion_app.core.words import N_
from inclusion_app.referrals import rules

# --- filters of the list

WHICH: Mapping[str, str] = {"received": N_("Sent to us"), "sent": N_("Sent by us")}
STATES: Mapping[str, str] = {
    "live": N_("Not ended"),
    **{state: said for state, said in rules.STATES.items() if state != "draft"},
    "ended": N_("All that have ended"),
    "all": N_("All"),
}
OWNERS: Mapping[str, str] = {"all": N_("Anybody’s"), "mine": N_("Mine"), "nobody": N_("Nobody’s")}
DUE: Mapping[str, str] = {
    "all": N_("Any day"),
    "late": N_("Late"),
    "today": N_("Today"),
    "week": N_("In the next 7 days"),
}
WAITS: Mapping[str, str] = {
    "all": N_("Anybody"),
    "us": N_("Us"),
    "others": N_("Others"),
}

# --- clocks: what has to be done by when, as each side reads it

TO_DO: Mapping[str, str] = {
    "acknowledge": N_("Say that you have seen it by %(when)s"),
    "decide": N_("Say yes or no by %(when)s"),
    "contact": N_("Make the first contact by %(when)s"),
    "waitlist": N_("Answer again by %(when)s, as you promised"),
}
TO_DO_LATE: Mapping[str, str] = {
    "acknowledge": N_("Late since %(when)s: say that you have seen it"),
    "decide": N_("Late since %(when)s: say yes or no"),
    "contact": N_("Late since %(when)s: make the first contact"),
    "waitlist": N_("Late since %(when)s: answer again, as you promised"),
}
THEY_DO: Mapping[str, str] = {
    "acknowledge": N_("They look at it by %(when)s"),
    "decide": N_("They say yes or no by %(when)s"),
    "contact": N_("They make the first contact by %(when)s"),
    "waitlist": N_("They answer again by %(when)s"),
}
THEY_DO_LATE: Mapping[str, str] = {
    "acknowledge": N_("Late since %(when)s: they have not looked at it"),
    "decide": N_("Late since %(when)s: they have not said yes or no"),
    "contact": N_("Late since %(when)s: they have not made the first contact"),
    "waitlist": N_("Late since %(when)s: they have not answered again"),
}
WAITS_FOR_SENDER = N_("No clock runs until whoever sent it has answered")
WAITS_FOR_YOU = N_("They wait for your answer. No clock runs until then")

# --- actions: what stands on the button, what may be read before, what is said after

LONG_WORDS: Mapping[str, str] = {
    "ask": N_("Your question"),
    "answer": N_("Your answer"),
    "decline": N_("What they should know (if anything)"),
    "reroute": N_("Why it is better (if you can say)"),
    "close": N_("How it went (if you can say)"),
    "reopen": N_("Why it is open again (if you can say)"),
}
HINTS: Mapping[str, str] = {
    "ask": N_(
        "The clock stands still until they answer, or until you know it. Ask about this person’s help only."
    ),
    "answer": N_(
        "They read it with what is shared already. Tell them nothing that the person did not agree to."
    ),
    "waitlist": N_("The person is told this day. It is a promise."),
    "decline": N_("You see nothing of the person any more. Whoever sent it looks for another way."),
    "reroute": N_(
        "Nothing is sent on. Whoever sent it asks the person first. You see nothing of them any more."
    ),
    "close": N_("You see nothing of the person any more. It can be opened again with a new yes."),
    "reopen": N_("What was shared has ended. So the person has to say yes anew."),
    "recall": N_("They see nothing of the person any more. The person is told."),
}
# The same where somebody was only told where to go: nothing was sent, and nobody saw anything.
HINTS_SIGNPOSTED: Mapping[str, str] = {
    **HINTS,
    "close": N_("Write down what came of it. You are not reminded of it any more."),
    "recall": N_("Nothing was sent, so the person is not told. You are not reminded of it any more."),
}
# The same for somebody who stands on no record: the service has no way to tell them anything.
HINTS_UNRECORDED: Mapping[str, str] = {
    **HINTS,
    "waitlist": N_("Please tell the person this day: nobody else tells them. It is a promise."),
    "recall": N_("They see nothing of the person any more. Please tell the person: nobody else tells them."),
    "withdraw": N_(
        "The person told you that they do not want this any more. Nobody reads anything of them from now on."
    ),
}
PERSON_SAID_TO = N_("The person, said to %(name)s")
# What needs no more than a button.
AT_ONCE = frozenset({"acknowledge", "found_out", "accept", "begin"})
CANNOT_UNDO = frozenset({"decline", "reroute", "recall", "close", "withdraw"})
DONE: Mapping[str, str] = {
    "acknowledge": N_("They know that you have seen it."),
    "ask": N_("Your question was sent. The clock stands still."),
    "answer": N_("Your answer was sent."),
    "found_out": N_("It goes on without an answer. Whoever sent it is told."),
    "accept": N_("You have accepted. The person is told, and you contact them."),
    "waitlist": N_("They are on the waiting list, and are told the day."),
    "decline": N_("Your no was sent."),
    "reroute": N_("The better service was named. Nothing was sent on."),
    "begin": N_("First contact noted."),
    "close": N_("It is closed."),
    "reopen": N_("It is open again."),
    "recall": N_("You took it back."),
    "withdraw": N_("It is taken back. Nobody reads anything of the person any more."),
}
# What is said instead of somebody who stands on no record: the service tells them nothing.
DONE_UNRECORDED: Mapping[str, str] = {
    "accept": N_("You have accepted. Please contact them: nobody else tells them."),
    "waitlist": N_("They are on the waiting list. Please tell them the day: nobody else tells them."),
}
SEEN_ALREADY = N_("It was marked as seen already.")
HAS_AN_OWNER = N_("%(name)s was quicker and looks after it now.")
OWNER_GIVEN = N_("It has its owner now.")
LINK_SENT = N_("A new link was sent. The old ones work no more.")
LINKS_ENDED = N_("No link opens it any more.")
TOO_MANY_LINKS = N_("Three links were sent within an hour. Wait an hour and try again.")
NOBODY_TO_SEND = N_("This service has no address for links, or it is answered here. Nothing was sent.")
CHOOSE_OWNER = N_("Choose who looks after it.")
CANNOT_OWN = N_("This colleague cannot look after it. Choose another one.")
CHOOSE_HOW = N_("Choose how they said yes.")
WRONG_DAY = N_("Write a day that there is, like 31 3 2027.")

WHO: Mapping[str, str] = {
    rules.RESIDENT: N_("The person"),
    rules.CLOCK: N_("The service, by itself"),
    rules.STRANGER: N_("Whoever filled in the public form"),
}
SAID_HOW: Mapping[str, str] = {"spoken": N_("They said it to me"), "paper": N_("They signed it on paper")}

# --- the pages behind a link

ACCEPTED_UNREACHED = N_("You have accepted. The person is told. Whoever sent it brings you together.")
PARTNER_DONE: Mapping[str, str] = {**DONE, "begin": N_("Thank you. First contact noted.")}

# --- the log an organisation's admin reads

record_words.ACTIONS.update(
    {
        "read referrals.referrals": N_("Looked at the list of referrals"),
        **dict.fromkeys(
            ("read referrals.referral", "read referrals.act", "read referrals.give_owner"),
            N_("Opened a referral"),
        ),
        **dict.fromkeys(
            ("read referrals.partner", "read referrals.partner_act"),
            N_("Opened a referral by a partner’s link"),
        ),
        "acknowledge referral": N_("Said that a referral was seen"),
        "ask referral": N_("Asked about a referral"),
        "answer referral": N_("Answered a question about a referral"),
        "found_out referral": N_("Went on with a referral without an answer"),
        "accept referral": N_("Accepted a referral"),
        "waitlist referral": N_("Put a referral on the waiting list"),
        "decline referral": N_("Said no to a referral"),
        "reroute referral": N_("Named a better service for a referral"),
        "begin referral": N_("Noted the first contact of a referral"),
        "close referral": N_("Closed a referral"),
        "reopen referral": N_("Opened a referral again"),
        "recall referral": N_("Took a referral back"),
        "give referral an owner": N_("Said who looks after a referral"),
        "send partner link": N_("Sent a partner a new link"),
        "end partner link": N_("Ended the link of a partner"),
    }
)
