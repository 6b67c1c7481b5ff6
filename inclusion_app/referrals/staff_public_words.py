"""Words that only the staff meet who put a public referral on a record, and what its acts are called in the record."""

from __future__ import annotations

from collections.abc import Mapping

from inclusion_app.accounts import record_words
from inclusion_app.core.words import N_

ON_ONE_ALREADY = N_("This one is on somebody’s record already.")
THERE_ALREADY = N_("They are referred there already. Close one of the two.")
NOBODY_CHOSEN = N_("Choose somebody, or type their code.")
NOT_BOTH = N_("Choose somebody or type a code, not both.")
# Who filled in the public form, as others read it; the form itself says it in the first person (rules.PUBLIC_FROM).
FROM_WHOM: Mapping[str, str] = {
    "self": N_("The person themself"),
    "family": N_("Somebody in their family, or a friend"),
    "jobcentre": N_("A Jobcentre worker"),
    "health": N_("Somebody at a GP or in health"),
    "other": N_("Somebody who works elsewhere"),
}
record_words.ACTIONS.update(
    {
        "refer oneself": N_("Asked for help with their code"),
        "withdraw referral": N_("Took a referral back"),
        "put a referral on a record": N_("Put a public referral on a record"),
    }
)
