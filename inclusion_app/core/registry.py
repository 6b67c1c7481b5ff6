"""The way up for facts: each room says what it holds of a resident, and what waits for somebody of the staff.

`my record`, downloads, erasure and the staff home page ask here and so know every room without importing it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal, StaffRight


@dataclass(frozen=True)
class Fact:
    """One line of what is held: a label (N_) and what stands there, in plain words.

    `opens`: the endpoint and the code of the page about it (empty where the page has none), for the person's own page on a
    screen and nowhere else. `is_english`: the value is a name or words in English, whatever the page is in.
    """

    label: str
    value: str
    opens: tuple[str, str] | None = None
    is_english: bool = False


@dataclass(frozen=True)
class Holding:
    """What one room holds of a resident.

    `tables` names every table with a key to a resident (a guard finds one that nobody holds). `describe` says it in
    plain words for their own page, `export` as data for their download, `erase` takes away what deleting the row of
    the resident does not. `export_whole` is for a room that keeps more than the person's own download says: what an
    officer gives out, who reads it first and takes out what is about others.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    describe: Callable[[Session, int], list[Fact]]
    export: Callable[[Session, int], dict[str, Any]]
    erase: Callable[[Session, int], None] = lambda _session, _resident_id: None
    export_whole: Callable[[Session, int], dict[str, Any]] | None = None


@dataclass(frozen=True)
class WaitingItem:
    """Something that waits for a member of staff: a finished sentence that leads somewhere, and since when."""

    words: str
    url: str
    since: datetime | None = None


@dataclass(frozen=True)
class StaffLink:
    """One entry of the staff pages' menu, shown to whoever holds the right of the page it leads to.

    `place` orders the menu by what the work is about: 0 today, 10 people, 20 what was told, 30 safety, 40 rights over
    data, 50 the own organisation, 60 the running of the service, 90 oneself.
    """

    endpoint: str
    words: str
    right: StaffRight
    place: int = 70


@dataclass(frozen=True)
class Alert:
    """What every page of one member of staff says as long as it lasts, with a way there and a way to end it."""

    words: str
    url: str
    end_words: str
    end_url: str
    # What it is called, for whoever hears the page; break-glass, where nothing is said.
    name: str = ""
    # Nothing is wrong: it is only said.
    is_calm: bool = False
    # What there is to say of this very page.
    note: str = ""


@dataclass(frozen=True)
class Demonstration:
    """What a room shows on one's own machine, beside the demonstration organisations.

    `load` makes what is not there yet, or what is all over by now, and returns a line for the terminal, or an empty one
    when there was nothing to do. `remove` takes all of it away again, before the organisations go.
    """

    name: str
    load: Callable[[Session, datetime], str]
    remove: Callable[[Session], None]


Alerts = Callable[[Session, Principal, datetime], Sequence[Alert]]
Waiting = Callable[[Session, Principal, datetime], Sequence[WaitingItem]]
Ties = Callable[[Session, Principal, int], Sequence[WaitingItem]]
Holidays = Callable[[Session], Collection[date]]
StepTitles = Callable[[], Mapping[str, str]]
MySteps = Callable[[], Sequence[str]]
_holidays: list[Holidays] = []
_holdings: dict[str, Holding] = {}
_waiting: list[Waiting] = []
_ties: list[Ties] = []
_menu: list[StaffLink] = []
_alerts: list[Alerts] = []
_demonstrations: dict[str, Demonstration] = {}
_step_titles: list[StepTitles] = []
_my_steps: list[MySteps] = []


def hold(holding: Holding) -> None:
    """Register what a room holds; once by name."""
    _holdings[holding.name] = holding


def holdings() -> list[Holding]:
    """All of them, in the order they were registered."""
    return list(_holdings.values())


def wait_for(waiting: Waiting) -> None:
    """Register a question of one room: what waits for this principal now?"""
    if waiting not in _waiting:
        _waiting.append(waiting)


def alert_with(alerts: Alerts) -> None:
    """Register a question of one room: what must this member of staff not forget, on whatever page they are?"""
    if alerts not in _alerts:
        _alerts.append(alerts)


def alerts_for(session: Session, principal: Principal, now: datetime) -> list[Alert]:
    """All of them, in the order of the rooms."""
    return [alert for ask in _alerts for alert in ask(session, principal, now)]


def add_to_menu(link: StaffLink) -> None:
    """Register a page for the menu of the staff pages; once by its endpoint."""
    if link.endpoint not in {known.endpoint for known in _menu}:
        _menu.append(link)


def menu_of(principal: Principal) -> list[StaffLink]:
    """The menu as this member of staff sees it."""
    return sorted((link for link in _menu if link.right.may_at_all(principal)), key=lambda link: link.place)


def waiting_for(session: Session, principal: Principal, now: datetime) -> list[WaitingItem]:
    """What waits for somebody, across rooms; what has waited longest stands first."""
    found = [item for ask in _waiting for item in ask(session, principal, now)]
    return sorted(found, key=lambda item: (item.since is None, item.since or now))


def tie_with(ties: Ties) -> None:
    """Register a question of one room: what is in the hands of this colleague, that nobody has once they leave?"""
    if ties not in _ties:
        _ties.append(ties)


def ties_of(session: Session, principal: Principal, staff_id: int) -> list[WaitingItem]:
    """All that is in the hands of a colleague of one's own organisation, as far as `principal` may know it."""
    return [item for ask in _ties for item in ask(session, principal, staff_id)]


def demonstrate(demonstration: Demonstration) -> None:
    """Register what a room shows on one's own machine; once by name."""
    _demonstrations[demonstration.name] = demonstration


def demonstrations() -> list[Demonstration]:
    """All of them, in the order they were registered."""
    return list(_demonstrations.values())


def holidays_from(provider: Holidays) -> None:
    """Say who knows the bank holidays; wired in `create_app`. Until then there are weekends only."""
    _holidays[:] = [provider]


def holidays(session: Session) -> frozenset[date]:
    """Every bank holiday that is known."""
    return frozenset(_holidays[0](session)) if _holidays else frozenset()


def steps_from(titles: StepTitles, mine: MySteps) -> None:
    """Say who knows the steps of plans: all titles (N_) by id, and those of the plan open here that are still to do."""
    _step_titles[:], _my_steps[:] = [titles], [mine]


def step_titles() -> Mapping[str, str]:
    """The title of every step by its id; nothing until somebody knows them."""
    return _step_titles[0]() if _step_titles else {}


def steps_of_my_plan() -> Sequence[str]:
    """The steps still to do of the plan that is open in this browser, the next ones first; none without a plan."""
    return _my_steps[0]() if _my_steps else ()
