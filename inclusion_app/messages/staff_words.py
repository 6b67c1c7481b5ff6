"""What the codes of the outbox and the tray mean, in words the staff read."""

from __future__ import annotations

from inclusion_app.core.words import N_

FAULTS = {
    "no safe route": N_("No safe way to reach the person"),
    "address refused": N_("The address or number was refused"),
    "address unreadable": N_("The address or number cannot be used"),
    "text refused": N_("The provider refused the message"),
    "text unreadable": N_("The message could not be written"),
    "settings refused": N_("The provider refused our key, password or sender"),
    "no encryption": N_("The mail server offers no encryption"),
    "not set up": N_("This channel is not set up"),
    "no answer": N_("The provider did not answer"),
    "provider trouble": N_("The provider had a fault"),
    "too many": N_("The provider asked us to slow down"),
    "claim ran out": N_("The worker stopped while it was sending"),
    "too late": N_("What it says was no longer true"),
    "not delivered": N_("The provider could not deliver it"),
    "taken back": N_("It was taken back before it left"),
    "rule changed": N_("The person changed how they may be reached"),
    "no_answer": N_("Nobody answered"),
    "wrong_number": N_("Wrong number or address"),
    "could_not": N_("It could not be done"),
}
OUTCOMES = {
    "posted": N_("Posted"),
    "spoke": N_("The person was told"),
    "no_answer": N_("No answer"),
    "wrong_number": N_("Wrong number or address"),
    "could_not": N_("Could not be done"),
}
CHANNELS = {
    "email": N_("E-mail"),
    "sms": N_("Text message"),
    "letter": N_("Letter"),
    "call": N_("Call"),
}
STATES = {
    "waiting": N_("Waiting"),
    "sending": N_("Being sent"),
    "sent": N_("Sent"),
    "dead": N_("Could not be sent"),
    "dropped": N_("No safe way"),
}
SOMEBODY_ELSE = N_("Somebody else has this now. Look at the tray again.")
NOT_YOURS = N_("Take it first. Then you can say how it went.")
NOT_AN_OUTCOME = N_("Choose how it went.")
GONE_ALREADY = N_("Its words were deleted, or it was sent meanwhile.")
