"""Real places for the steps a page shows (point 11): the best two each, and each place said once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from babel.lists import format_list
from flask_babel import get_locale
from flask_babel import gettext as _

from inclusion_app.core import clock
from inclusion_app.core.db import db_session
from inclusion_app.core.i18n import two
from inclusion_app.places.queries import Where, found_places, near_candidates
from inclusion_app.places.rules import KINDS, Groups, kind_groups_for_step, kinds_for_step
from inclusion_app.places.wording import Near
from inclusion_app.roadmaps.rules import Offer, best_offers
from inclusion_app.roadmaps.wording import DATA_STEP, why_here

MOST = 2


@dataclass(frozen=True)
class Shared:
    """A place that helps with several steps: their numbers in words, and why it is named, each reason once."""

    near: Near
    steps: tuple[str, ...]
    numbers: str
    whys: tuple[str, ...]


@dataclass(frozen=True)
class Nearby:
    """The places of a page: `own` of one step alone, `shared` of several, `gaps` the steps no place is left for."""

    own: Mapping[str, Sequence[Near]]
    shared: tuple[Shared, ...]
    gaps: tuple[str, ...]

    @property
    def shared_steps(self) -> frozenset[str]:
        """The steps whose places, or some of them, stand with those of other steps."""
        return frozenset(step for item in self.shared for step in item.steps)


def places_for(steps: Iterable[str], where: Where | None) -> dict[str, list[Near]]:
    """At most two real places for each shown step; nothing while we do not know where the person is."""
    if where is None:
        return {}
    session, moment = db_session(), clock.now()
    wanted = {step: kinds_for_step(step) for step in steps}
    measured = near_candidates(
        session, where=where, kinds={kind for kinds in wanted.values() for kind in kinds}
    )
    best = {step: pick_places(step, kind_groups_for_step(step), measured) for step in wanted}
    metres = {number: far for rows in measured.values() for far, number in rows}
    shown = {number for numbers in best.values() for number in numbers}
    found = found_places(
        session,
        {number: metres[number] for number in shown},
        now=moment,
        from_edge=bool(where.outside),
    )
    return {
        step: [Near(found[number], why_here(step, found[number].place), moment) for number in numbers]
        for step, numbers in best.items()
    }


def pick_places(
    step: str, groups: Groups, measured: Mapping[str, Sequence[tuple[float, int]]], most: int = MOST
) -> list[int]:
    """The best places by the rule of offers: one of each group of kinds the step needs in turn, then more of the first.

    A place has no access need, age, cost or last day that we know, and nobody told us which one they use already.
    """
    best: list[int] = []
    rows = [{number: far for kind in group for far, number in measured.get(kind, ())} for group in groups]
    for row, share in (*((row, 1) for row in rows), *((row, most) for row in rows)):
        offers = [
            Offer(f"{number:012}", step, metres=far) for number, far in row.items() if number not in best
        ]
        kept = best_offers(offers, today=clock.today(), most=min(share, most - len(best)))
        best += [int(offer.id) for offer in kept]
    return best


def said_once(places: Mapping[str, Sequence[Near]]) -> Nearby:
    """A place of one step stays with it; a place of several is said once, nearest first, with the steps' numbers.

    `places` has the steps in the order they are numbered in. A step that needs a place and got none is a gap.
    """
    steps_of: dict[int, list[str]] = {}
    for step, found in places.items():
        for near in found:
            steps_of.setdefault(near.place.id, []).append(step)
    numbered = {step: number for number, step in enumerate(places, start=1)}
    shared: dict[int, Shared] = {}
    for near in (near for found in places.values() for near in found):
        together = steps_of[near.place.id]
        if len(together) > 1 and near.place.id not in shared:
            listed = [str(numbered[step]) for step in together]
            numbers = two(format_list(listed, locale=get_locale()), format_list(listed, locale="en"))
            whys = dict.fromkeys(_why_of_several(step, near) for step in together)
            shared[near.place.id] = Shared(near, tuple(together), numbers, tuple(whys))
    return Nearby(
        own={step: [near for near in found if near.place.id not in shared] for step, found in places.items()},
        shared=tuple(sorted(shared.values(), key=lambda item: item.near.found.metres or 0)),
        gaps=tuple(step for step, found in places.items() if not found and kinds_for_step(step)),
    )


def _why_of_several(step: str, near: Near) -> str:
    if step == DATA_STEP:
        return why_here(step, near.place)
    kind = next((kind for kind in kinds_for_step(step) if kind in near.place.kind_list), "library")
    return _("Nearest: %(kind)s", kind=_(KINDS[kind]))
