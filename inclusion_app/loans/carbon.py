"""Estimated carbon that re-use saves: what making a new device would have cost, by a source anybody can read. Pure.

Counted: each used device that was given to the scheme and has been lent at least once; once, however often it is lent.
Not counted: new devices, SIM cards, the electricity it uses, mending and carrying it. Half of what making a new one costs,
for not every device that is lent keeps somebody from buying one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inclusion_app.core.words import N_

# kg of CO2 equivalents to make one, by kind: round figures of the source. It names none for a tablet: the lower one of
# phone and laptop is taken.
MADE_WITH: Mapping[str, int] = {"laptop": 100, "tablet": 50, "phone": 50, "hub": 30}
# Nobody knows how often a loan replaces a purchase; this share is our own caution, and no measurement.
REPLACES = 0.5
SOURCE = (
    "https://www.ericsson.com/en/reports-and-papers/research-papers/embodied-carbon-emissions-of-ict-devices"
)
SOURCE_NAME = N_("Ericsson research brief: Embodied carbon emissions of ICT devices (figures for 2020)")
METHOD = (
    N_("We count each used device that was given to us and lent at least once."),
    N_("We count half of the carbon of making a new one. Not every loan replaces one."),
    N_("We do not count new devices, SIM cards, electricity, mending or transport."),
    N_("It is an estimate."),
)


@dataclass(frozen=True)
class Saved:
    """What re-use saved, in kg CO2e: by kind the devices and the sum, and the sum of all in tens of kilograms."""

    devices: Mapping[str, int]
    kilograms: Mapping[str, float]

    @property
    def total(self) -> int:
        """Rounded down to ten: more would promise to know it better than anybody does."""
        return int(sum(self.kilograms.values()) // 10 * 10)


def saved(devices: Mapping[str, int]) -> Saved:
    """Of so many used devices that were lent at least once, by kind. Kinds without a figure count as nothing."""
    known = {kind: max(0, number) for kind, number in devices.items() if kind in MADE_WITH}
    return Saved(known, {kind: number * MADE_WITH[kind] * REPLACES for kind, number in known.items()})
