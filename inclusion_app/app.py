"""create_app(): settings, core, rooms, error pages — nothing else."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Request, abort, g, request
from flask_babel import Babel
from flask_login import LoginManager
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response
from whitenoise import WhiteNoise

from inclusion_app import cli
from inclusion_app.accounts import (
    admin_views,
    factor_views,
    invitation_views,
    recover_views,
    session_views,
    sign_in_views,
)
from inclusion_app.accounts import queries as accounts
from inclusion_app.accounts import views as accounts_views
from inclusion_app.config import Settings, load_settings
from inclusion_app.core import (
    access,
    again,
    assets,
    bilingual,
    clock,
    crypto,
    db,
    errors,
    events,
    headers,
    i18n,
    registry,
    retention_runs,
    staff_sessions,
    template_words,
    uploads,
)
from inclusion_app.core.forms import LOST
from inclusion_app.groups import demonstration as groups_demonstration
from inclusion_app.groups import holding as groups_holding
from inclusion_app.groups import paper_views as groups_paper_views
from inclusion_app.groups import staff_help_views as groups_help_views
from inclusion_app.groups import views as groups_views
from inclusion_app.loans import (
    ask_views as loans_ask_views,
)
from inclusion_app.loans import demonstration as loans_demonstration
from inclusion_app.loans import holding as loans_holding
from inclusion_app.loans import messages as loans_messages
from inclusion_app.loans import opened as loans_opened
from inclusion_app.loans import request_views as loans_request_views
from inclusion_app.loans import slip_views as loans_slip_views
from inclusion_app.loans import (
    staff_clean_views,
    staff_count_views,
    staff_file_views,
    staff_handover_views,
    staff_label_views,
    staff_loan_views,
    staff_queue_views,
    staff_repair_views,
    staff_return_views,
    staff_scheme_views,
    staff_stock_views,
)
from inclusion_app.loans import staff_desk_views as loans_desk_views
from inclusion_app.loans import staff_figures_views as loans_figures_views
from inclusion_app.loans import staff_person_views as loans_person_views
from inclusion_app.loans import views as loans_views
from inclusion_app.messages import holding as messages_holding
from inclusion_app.messages import hooks, sending, staff_templates
from inclusion_app.messages import staff_views as messages_staff_views
from inclusion_app.messages import views as messages_views
from inclusion_app.people import (
    caseload_services,
    consent_views,
    holdings,
    my_record_views,
    opening,
    staff_caseload_views,
    staff_desk_views,
    staff_feedback_views,
    staff_flag_views,
    staff_glass_views,
    staff_request_views,
    staff_retention_views,
    staff_views,
)
from inclusion_app.people import policy as people_policy
from inclusion_app.people import services as people
from inclusion_app.people import views as people_views
from inclusion_app.places import paper_views as places_paper_views
from inclusion_app.places import queries as places
from inclusion_app.places import views as places_views
from inclusion_app.referrals import pages as referrals_pages
from inclusion_app.referrals import policy as referrals_policy
from inclusion_app.referrals import views as referrals_views
from inclusion_app.referrals.services import handover as referrals_handover
from inclusion_app.referrals.services import landing as referrals_landing
from inclusion_app.referrals.services import machine as referrals_machine
from inclusion_app.roadmaps import (
    attendance,
    award_views,
    check_paper_views,
    helper_script,
    helper_views,
    holding,
    household_services,
    household_views,
    keep_views,
    paper_views,
    progress_views,
    services,
    typed_in_views,
    wording,
)
from inclusion_app.roadmaps import views as roadmaps_views
from inclusion_app.start import views as start_views
from inclusion_app.training import (
    credential_views,
    opinion_views,
    slip_views,
    staff_figures_views,
    staff_register_views,
)
from inclusion_app.training import demonstration as training_demonstration
from inclusion_app.training import feed_views as training_feed_views
from inclusion_app.training import holding as training_holding
from inclusion_app.training import messages as training_messages
from inclusion_app.training import staff_change_views as training_change_views
from inclusion_app.training import staff_person_views as training_person_views
from inclusion_app.training import staff_views as training_staff_views
from inclusion_app.training import views as training_views

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOT = Path(__file__).resolve().parent.parent
# Their pages belong to the rooms below; importing them registers them.
MORE_PAGES = (
    admin_views,
    invitation_views,
    sign_in_views,
    factor_views,
    session_views,
    recover_views,
    my_record_views,
    staff_feedback_views,
    staff_retention_views,
    check_paper_views,
    helper_views,
    household_views,
    keep_views,
    paper_views,
    progress_views,
    typed_in_views,
    places_paper_views,
    slip_views,
    groups_paper_views,
    groups_help_views,
    hooks,
    messages_staff_views,
    consent_views,
    staff_views,
    staff_caseload_views,
    staff_flag_views,
    staff_glass_views,
    staff_request_views,
    staff_desk_views,
    training_feed_views,
    training_staff_views,
    training_change_views,
    staff_register_views,
    training_person_views,
    staff_figures_views,
    credential_views,
    opinion_views,
    award_views,
    loans_slip_views,
    loans_ask_views,
    loans_request_views,
    loans_desk_views,
    staff_queue_views,
    staff_scheme_views,
    loans_person_views,
    staff_handover_views,
    staff_return_views,
    staff_loan_views,
    staff_stock_views,
    staff_file_views,
    staff_clean_views,
    staff_label_views,
    staff_repair_views,
    staff_count_views,
    loans_figures_views,
    referrals_pages,
)
# Importing these makes known what their room holds of a resident, and the messages staff are sent.
MORE_FACTS = (
    messages_holding,
    staff_templates,
    training_messages,
    training_holding,
    training_demonstration,
    loans_messages,
    loans_holding,
    loans_demonstration,
    groups_demonstration,
)
ROOMS = (
    start_views.room,
    places_views.room,
    training_views.room,
    loans_views.room,
    people_views.room,
    messages_views.room,
    roadmaps_views.room,
    groups_views.room,
    referrals_views.room,
    accounts_views.room,
)


LOOPBACK = ("127.0.0.1", "localhost")
HOST = re.compile(
    r"(?=.{1,259}$)(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,126}\.?)(:[0-9]{1,5})?"
)


class PlainRequest(Request):
    """A request whose typed words cannot pass for two languages of ours, and hold no null byte: no keyboard has one, and
    PostgreSQL takes it in no text, so that each look-up of what was typed would end as an error. A page shows such a byte
    as the replacement character (the HTML standard), so it is read as one: never as if nothing had been typed.
    """

    def _load_form_data(self) -> None:
        super()._load_form_data()
        sent = self.form.items(multi=True)
        plain = [(name, bilingual.without_signs(text).replace("\0", LOST)) for name, text in sent]
        self.__dict__["form"] = type(self.form)(plain)


class Service(Flask):
    """Flask, with a log that says of an error what kind it is and where, never what was asked for or typed."""

    request_class = PlainRequest

    def log_exception(self, exc_info: Any) -> None:
        kind, _err, trace = exc_info
        place = traceback.extract_tb(trace)[-1]
        self.logger.error("unforeseen %s at %s:%s", kind.__name__, place.filename, place.lineno)


class OnlyHostNames:
    """Refuses a `Host` that is no name at all before anything builds an address with it (RFC 1123)."""

    def __init__(self, inner: WSGIApplication) -> None:
        self.inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if HOST.fullmatch(environ.get("HTTP_HOST", "localhost")):
            return self.inner(environ, start_response)
        refusal = Response("400. This is no address of ours.\n", 400, mimetype="text/plain")
        refusal.headers.update(headers.HEADERS)
        return refusal(environ, start_response)


class LanguagePart(BaseConverter):
    """The first part of every localised address: two or three letters, perhaps a script."""

    regex = "[a-z]{2,3}(?:-[a-z]{4})?"
    part_isolating = True


def create_app(settings: Settings | None = None) -> Flask:
    """A running application for these settings; refuses to start when a page declares no permission."""
    settings = settings or load_settings()
    retention_runs.check(settings)
    app = Service(
        __name__,
        root_path=str(ROOT),
        template_folder="templates",
        static_folder=None,
        instance_path=str(settings.instance),
    )
    app.extensions["settings"] = settings
    _configure(app, settings)
    crypto.use_keys(settings.field_keys)
    app.extensions["engine"] = db.make_engine(settings.database_url)
    Babel(
        app,
        default_locale="en",
        default_timezone="Europe/London",
        default_translation_directories=";".join(
            [
                str(ROOT / "translations"),
                *([str(settings.instance / "translations")] if settings.test_languages else []),
            ]
        ),
        locale_selector=i18n.locale_code,
    )
    i18n.fold_english_in(app)
    csrf = CSRFProtect(app)
    # No page of ours sends these two: they ask for a bearer token instead (see messages/hooks.py).
    for hook in (hooks.receipt, hooks.inbound):
        csrf.exempt(hook)
    app.extensions["assets"] = assets.manifest()
    app.url_map.converters["lang"] = LanguagePart
    _speak_the_language_of_the_address(app)
    names = _own_names(settings)
    # Flask's own TRUSTED_HOSTS leaves its error page without addresses to link to.
    app.before_request(lambda: None if host_is_trusted(request.host, names) else abort(400))
    uploads.register(app)
    app.before_request(_refuse_strange_signs)
    app.before_request(_refuse_foreign_posts)
    template_words.register(app)
    template_words.register_english_too(app)
    app.jinja_env.globals.update(
        reason_words=wording.reason_words,
        state_words=wording.state_words,
        minutes_words=wording.minutes_words,
        line_words=wording.line_words,
        how_sure=wording.how_sure,
        ask_at=wording.ask_at,
        notes_for=wording.notes_for,
        notes_for_step=wording.notes_for_step,
        until_then=wording.until_then,
        helper_scripts=helper_script.SCRIPTS,
        has_plan=roadmaps_views.has_plan,
        has_group=groups_views.has_group,
        offers_links=messages_views.offers_links,
    )
    events.subscribe(events.MessageWanted, sending.put_wanted)
    events.subscribe(events.AttendanceRecorded, attendance.take_credit)
    _know_of_referrals()
    registry.holidays_from(places.holidays)
    if services.take_saved_area not in opening.WHEN_OPENED:
        opening.WHEN_OPENED.append(services.take_saved_area)
    if household_services.end_with not in people.BEFORE_LEAVING:
        people.BEFORE_LEAVING.append(household_services.end_with)
    _know_the_staff(app)
    _know_the_residents()
    typed_in_views.DOORS[:] = [
        typed_in_views.GroupDoor(groups_views.group_of_paper, groups_views.join_from_paper)
    ]
    for room in ROOMS:
        app.register_blueprint(room)
    again.dispatch_again_on_deadlock(app)
    errors.register_error_pages(app)
    headers.register_headers(app, https=settings.is_https)
    cli.register(app)
    access.check_every_page_declares(app)

    @app.teardown_request
    def close_session(_err: BaseException | None) -> None:
        db.finish_request(commit=False)

    app.wsgi_app = OnlyHostNames(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_hops:
        hops = settings.trusted_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(assets.BUILD),
        prefix="static/",
        immutable_file_test=r"\.[0-9a-f]{12}\.",
        add_headers_function=_static_headers,
        allow_all_origins=False,
    )
    return app


def end_what_lived_by_it(session: Session, ended: events.SharingEnded) -> None:
    """A consent ended, somebody is kept away, or restricts who sees them: what lived by it in referrals ends at once."""
    referrals_machine.share_less(session, resident_id=ended.resident_id, now=ended.at)


def _know_of_referrals() -> None:
    """What happens below that referrals, tasks and the access they give follow."""
    events.subscribe(events.SharingEnded, end_what_lived_by_it)
    events.subscribe(events.CaseloadHandedOver, referrals_handover.take_over)
    caseload_services.OPEN_WORK[:] = [referrals_handover.open_work]
    events.subscribe(events.RequestEnded, referrals_landing.look_for_another_way)
    people_policy.WAYS["referral"] = referrals_policy.by_referral


def _know_the_staff(app: Flask) -> None:
    """Flask-Login asks our own session rows, never its own cookie; the layout of the staff pages asks the same."""
    manager = LoginManager()
    manager.session_protection = None
    manager.request_loader(lambda _request: accounts.signed_in_staff())
    # Its own `current_user` in every template would ask for the staff on residents' pages too.
    manager.init_app(app, add_context_processor=False)
    app.extensions["staff_principal"] = accounts.staff_principal
    app.after_request(staff_sessions.send_cookie)

    @app.context_processor
    def words() -> dict[str, Any]:
        return accounts_views.staff_words() if access.is_staff_path(request.path) else {}


def _know_the_residents() -> None:
    """What the rooms above tell the room of people, and what each room holds of somebody."""
    people.AREA_OF[:] = [places.area_of_postcode]
    people.WARD_NAME[:] = [places.ward_name]
    people.PLAN_OF[:] = [holding.steps_for_staff]
    opening.LEADS_TO["booking"] = training_views.address_of
    opening.LEADS_TO["loan"] = loans_opened.address_of
    opening.OWNER_OF["loan"] = loans_opened.code_of_owner
    if keep_views.keep_with not in opening.WHEN_MADE:
        opening.WHEN_MADE.append(keep_views.keep_with)
    registry.steps_from(wording.step_titles, roadmaps_views.steps_still_to_do)
    holdings.register()
    registry.hold(holding.HOLDING)
    registry.hold(groups_holding.HOLDING)


def _configure(app: Flask, settings: Settings) -> None:
    https = settings.is_https
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-visit" if https else "visit",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,
        # Pages without a referrer send `Origin: null`; Sec-Fetch-Site is asked instead.
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_MEMORY_SIZE=128 * 1024,
        MAX_FORM_PARTS=200,
        PREFERRED_URL_SCHEME="https" if https else "http",
    )


def _own_names(settings: Settings) -> list[str]:
    """The names this service answers to. A made-up Host would stand in the QR codes and links it prints."""
    return [*LOOPBACK, urlsplit(settings.base_url).hostname or ""] if settings.base_url else list(LOOPBACK)


def _static_headers(response_headers: Any, _path: str, _url: str) -> None:
    for name in ("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy"):
        response_headers[name] = headers.HEADERS[name]


def _refuse_strange_signs() -> None:
    """No address of ours has a null byte, which PostgreSQL takes in no text, nor a sign that folds two languages."""
    parts = (request.path, *(text for pair in request.args.items(multi=True) for text in pair))
    if any("\0" in text or bilingual.is_folded(text) for text in parts):
        abort(404)


def _refuse_foreign_posts() -> None:
    """A form of ours is posted from a page of ours; browsers that say otherwise are refused."""
    site = request.headers.get("Sec-Fetch-Site")
    if request.method not in db.SAFE_METHODS and site not in {None, "same-origin", "none"}:
        abort(400)


def _speak_the_language_of_the_address(app: Flask) -> None:
    @app.url_value_preprocessor
    def take_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        slug = values.pop("language", None) if values is not None else None
        if slug is None:
            return
        language = i18n.known(slug)
        if language is None or not language.released:
            g.unreleased = slug
            g.language = i18n.preferred(request, None)
        else:
            g.language = language

    @app.before_request
    def only_released() -> None:
        if request.url_rule is None:
            # No page has this address; the page that says so still speaks the address's language.
            language = i18n.known(request.path.split("/")[1])
            is_ours = language is not None and language.released
            g.language = language if is_ours else i18n.preferred(request, None)
        if g.get("unreleased") is not None:
            abort(404)

    @app.url_defaults
    def keep_language(endpoint: str, values: dict[str, Any]) -> None:
        if "language" not in values and app.url_map.is_endpoint_expecting(endpoint, "language"):
            values["language"] = i18n.current_language().slug

    @app.before_request
    def note_time() -> None:
        g.now = clock.now()
