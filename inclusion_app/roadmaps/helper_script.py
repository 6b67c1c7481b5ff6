"""What somebody who helps may ask and say on each page, and what they leave to the person. Pure words."""

from __future__ import annotations

from dataclasses import dataclass

from inclusion_app.core.words import N_


@dataclass(frozen=True)
class Script:
    """One page's three sentences for a helper."""

    ask: str
    say: str
    avoid: str


SCRIPTS = {
    "q1": Script(
        N_("What would you like to do online?"),
        N_("Choose up to three. You can change them later."),
        N_("Do not choose a goal for the person."),
    ),
    "q2": Script(
        N_("What do you have at home or in your pocket?"),
        N_("A device you share counts too."),
        N_("Do not ask what it cost."),
    ),
    "q3": Script(
        N_("Does your data run out before the month ends?"),
        N_("This happens to many people. Free data may help."),
        N_("Do not guess. Wait for the answer."),
    ),
    "q4": Script(
        N_("What gets in your way?"),
        N_("You may skip this question."),
        N_("Do not read these answers out loud near others."),
    ),
    "q5": Script(
        N_("What do you do first with your phone or computer?"),
        N_("“Not yet” is a good answer. It shows where to start."),
        N_("Do not take the device out of their hands."),
    ),
    "q6": Script(
        N_("Who joins the Wi-Fi when you need it?"),
        N_("Does somebody help you? Then choose “With help”."),
        N_("Do not do it for the person now."),
    ),
    "q7": Script(
        N_("Do your passwords work when you need them?"),
        N_("Never tell me a password. Just say how it goes."),
        N_("Do not ask for a password. Do not write one down."),
    ),
    "q8": Script(
        N_("How do you read or send an email today?"),
        N_("Choose what is true on most days."),
        N_("Do not open their email."),
    ),
    "q9": Script(
        N_("Who would you like to write to or see?"),
        N_("A voice message counts too."),
        N_("Do not read their messages."),
    ),
    "q10": Script(
        N_("How do you find something out today?"),
        N_("This is not a test. Every answer is right."),
        N_("Do not test the person."),
    ),
    "q11": Script(
        N_("Who fills in forms when you get one?"),
        N_("You need not tell me about your money."),
        N_("Do not ask for bank or card numbers."),
    ),
    "q12": Script(
        N_("What do you do when a message looks wrong?"),
        N_("A scam can happen to anybody. It is not your fault."),
        N_("Do not ask how much was lost."),
    ),
    "days": Script(
        N_("Does a letter name a day?"),
        N_("There is no day? Then we skip this."),
        N_("Do not keep or copy a letter."),
    ),
    "first": Script(
        N_("Which of these would help you most this week?"),
        N_("The plan begins there. You can change it later."),
        N_("Do not choose what is easiest for you."),
    ),
    "plan": Script(
        N_("Which step do you want to do first?"),
        N_("There is no hurry. One step is enough for today."),
        N_("Do not mark a step as done unless they say so."),
    ),
    "save": Script(
        N_("Can you think of a PIN you will remember?"),
        N_("Type it yourself. I look away now."),
        N_("Do not type the PIN for the person."),
    ),
}
