"""Names of what belongs to a device. They are typed by whoever keeps the stock; what everybody calls alike is translated."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _

from inclusion_app.core.forms import one_line
from inclusion_app.core.paper_parts import Pair
from inclusion_app.core.words import N_

# As they are typed, small and on one line.
PARTS: Mapping[str, str] = {
    "charger": N_("charger"),
    "cable": N_("cable"),
    "usb cable": N_("USB cable"),
    "plug": N_("plug"),
    "adapter": N_("adapter"),
    "mouse": N_("mouse"),
    "mouse mat": N_("mouse mat"),
    "keyboard": N_("keyboard"),
    "headset": N_("headset"),
    "headphones": N_("headphones"),
    "webcam": N_("webcam"),
    "bag": N_("bag"),
    "case": N_("case"),
    "cover": N_("cover"),
    "stand": N_("stand"),
    "pen": N_("pen"),
    "sim pin": N_("SIM pin"),
    "sim card": N_("SIM card"),
    "battery": N_("battery"),
    "box": N_("box"),
    "manual": N_("paper that says how to use it"),
}
# Other names of the same.
SAME: Mapping[str, str] = {
    "power supply": PARTS["charger"],
    "usb-c charger": PARTS["charger"],
    "charging cable": PARTS["cable"],
    "adaptor": PARTS["adapter"],
    "earphones": PARTS["headphones"],
    "laptop bag": PARTS["bag"],
    "sleeve": PARTS["cover"],
    "stylus": PARTS["pen"],
    "sim ejector": PARTS["sim pin"],
    "sim": PARTS["sim card"],
}


def part_words(typed: str, count: int) -> Pair:
    """A part in the language spoken now, beside the name as it was typed; a name nobody knows stands as it was typed."""
    name = one_line(typed)
    known = PARTS.get(name.casefold()) or SAME.get(name.casefold())
    own = _(known) if known is not None else name
    # What nobody translated yet is the English word, and that is the typed one.
    own = name if own == known else own
    return Pair(own, name) if count == 1 else Pair(f"{count} × {own}", f"{count} × {name}")
