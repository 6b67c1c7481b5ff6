"""Certificates: signed so that anybody can check them, taken back with what they say, and never with a name."""

from __future__ import annotations

import base64
import functools
import json
import operator
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.config import BadSetting, load_settings
from inclusion_app.core.db import transaction
from inclusion_app.training import badges, staff_register_views
from inclusion_app.training.badges import Achievement, NotOurs
from inclusion_app.training.models import Credential
from tests.conftest import Browser, StaffBrowser
from tests.training.open_badges import contexts, faults
from tests.training.test_register import Date

Staff = Callable[..., StaffBrowser]
NOON = datetime(2026, 11, 26, 12, 0, 0, 987654, tzinfo=UTC)
DONE = Achievement("https://x.example/en/award#gold", "Gold", "It shone.", "Fifteen steps.", "Award")


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signer(*keys: str) -> badges.Issuer:
    return badges.issuer(address="https://x.example", name="My digital roadmap", keys="\n".join(keys))


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    head, said, signature = token.split(".")
    return json.loads(raw(head)), json.loads(raw(said)), raw(signature)


def checks(token: str, public: rsa.RSAPublicKey) -> bool:
    """The signature by the library alone, past our own code."""
    try:
        public.verify(parts(token)[2], token.rsplit(".", 1)[0].encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def test_it_is_signed_as_open_badges_ask(key: rsa.RSAPrivateKey) -> None:
    token = signer(pem(key)).sign("abc", DONE, now=NOON)
    head, said, _signature = parts(token)
    # "Additional JOSE Headers are NOT allowed."
    assert head.keys() == {"alg", "typ", "kid", "jwk"}
    assert (head["alg"], head["typ"]) == ("RS256", "JWT")
    assert head["jwk"].keys() == {"kty", "n", "e"}, "never the private part"
    assert checks(token, key.public_key())
    numbers = rsa.RSAPublicNumbers(
        int.from_bytes(raw(head["jwk"]["e"])), int.from_bytes(raw(head["jwk"]["n"]))
    )
    assert numbers.public_key() == key.public_key()
    # The claims are what the members of the credential say.
    assert said["iss"] == said["issuer"]["id"] == "https://x.example/api/badges/issuer"
    assert said["jti"] == said["id"] == "https://x.example/en/certificates/abc"
    assert said["sub"] == said["credentialSubject"]["id"]
    assert said["validFrom"] == "2026-11-26T12:00:00Z"
    assert datetime.fromtimestamp(said["nbf"], UTC).isoformat() == "2026-11-26T12:00:00+00:00"
    # And another library reads the same.
    by_pyjwt = jwt.decode(
        token, key.public_key(), algorithms=["RS256"], options={"verify_aud": False, "verify_nbf": False}
    )
    assert by_pyjwt == said


def test_it_has_what_the_specification_asks(key: rsa.RSAPrivateKey) -> None:
    ours = signer(pem(key))
    said = ours.read(ours.sign("abc", DONE, now=NOON))
    assert list(faults(said)) == []
    assert list(faults(said["issuer"], "Profile")) == []
    profile = ours.profile()
    assert contexts(profile.pop("@context"))
    assert profile == said["issuer"], "the address of who signs gives the same"
    assert said["credentialStatus"] == {
        "id": "https://x.example/api/badges/revoked", "type": "1EdTechRevocationList",
    }  # fmt: skip
    subject = said["credentialSubject"]["id"]
    assert uuid.UUID(subject.removeprefix("urn:uuid:"))


def test_the_table_of_the_specification_sees_what_is_wrong(key: rsa.RSAPrivateKey) -> None:
    ours = signer(pem(key))
    token = ours.sign("abc", DONE, now=NOON)
    for path in (
        "@context", "id", "type", "issuer", "validFrom", "credentialSubject", "credentialSubject/id", "credentialSchema",
        "credentialSubject/type", "credentialSubject/achievement", "credentialSubject/achievement/id", "issuer/id",
        "credentialSubject/achievement/criteria", "credentialSubject/achievement/description", "credentialStatus/type",
    ):  # fmt: skip
        *way, last = path.split("/")
        for remove in (True, False):
            said = ours.read(token)
            part = functools.reduce(operator.getitem, way, said)
            part.pop(last) if remove else part.update({last: 7})
            assert list(faults(said)), (path, remove)
    for name, wrong in (("validFrom", "2026-11-26"), ("vc", {}), ("@context", [*badges.CONTEXT[:2]])):
        assert list(faults(ours.read(token) | {name: wrong})), name


def test_each_subject_is_a_number_of_its_own(key: rsa.RSAPrivateKey) -> None:
    subjects = {parts(signer(pem(key)).sign("abc", DONE, now=NOON))[1]["sub"] for _ in range(3)}
    assert len(subjects) == 3


def test_what_was_changed_is_not_ours(key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey) -> None:
    ours = signer(pem(key))
    token = ours.sign("abc", DONE, now=NOON)
    assert ours.read(token)["name"] == "Gold"
    head, said, signature = token.split(".")
    better = parts(token)[1] | {"name": "Platinum"}
    changed = base64.urlsafe_b64encode(json.dumps(better).encode()).rstrip(b"=").decode()
    stranger = signer(pem(other_key)).sign("abc", DONE, now=NOON)
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for wrong in (
        f"{head}.{changed}.{signature}", f"{head}.{said}.{signature[:-8]}AAAAAAAA", stranger, f"{none}.{said}.",
        f"{head}.{said}", "", "..", "a.b.c", f"{head}.{said}.{signature}=", "\x00.\x00.\x00",
    ):  # fmt: skip
        with pytest.raises(NotOurs):
            ours.read(wrong)
    # A key that comes with the token is never the one to go by.
    own_head = parts(token)[0] | {"jwk": badges.jwk(other_key.public_key())}
    packed = base64.urlsafe_b64encode(json.dumps(own_head).encode()).rstrip(b"=").decode()
    forged = other_key.sign(f"{packed}.{changed}".encode(), padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(NotOurs):
        ours.read(f"{packed}.{changed}.{base64.urlsafe_b64encode(forged).rstrip(b'=').decode()}")


def test_a_key_that_signed_before_still_speaks_for_what_it_signed(
    key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey
) -> None:
    old = signer(pem(key)).sign("abc", DONE, now=NOON)
    renewed = signer(pem(other_key), public_pem(key))
    assert renewed.read(old)["name"] == "Gold"
    assert len(renewed.keys()) == 2
    assert checks(renewed.sign("def", DONE, now=NOON), other_key.public_key())
    with pytest.raises(NotOurs):
        signer(pem(other_key)).read(old)


# --- the setting


def test_the_key_is_read_from_the_environment(
    tmp_path: Path, key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey
) -> None:
    both = f"{pem(key)}{public_pem(other_key)}"
    for written in (both, both.replace("\n", "\\n"), base64.b64encode(both.encode()).decode()):
        settings = load_settings({"INCLUSION_BADGE_KEY": written}, instance=tmp_path)
        assert len(signer(settings.badge_keys).public) == 2
    assert not (tmp_path / "badge-key").exists()


def test_on_the_embedded_default_it_is_made_once_and_kept(tmp_path: Path) -> None:
    first = load_settings({}, instance=tmp_path).badge_keys
    assert load_settings({}, instance=tmp_path).badge_keys.strip() == first.strip()
    assert (tmp_path / "badge-key").stat().st_mode & 0o077 == 0


def test_a_wrong_key_stops_the_start(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    for wrong in ("nonsense!", public_pem(key), pem(short), public_pem(key) + pem(key), base64.b64encode(b"x" * 40).decode(),
                  pem(key).replace("MII", "MIX", 1)):  # fmt: skip
        with pytest.raises(BadSetting, match="INCLUSION_BADGE_KEY"):
            load_settings({"INCLUSION_BADGE_KEY": wrong}, instance=tmp_path)
    with pytest.raises(BadSetting, match="INCLUSION_BADGE_KEY is required"):
        load_settings(
            {
                "INCLUSION_DATABASE_URL": "postgresql+psycopg://a:b@localhost/c",
                "INCLUSION_SECRET_KEY": "s" * 40,
                "INCLUSION_FIELD_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
            },
            instance=tmp_path,
        )


# --- the pages


@pytest.fixture
def organiser(staff_browser: Staff) -> StaffBrowser:
    return staff_browser("training_organiser")


@pytest.fixture
def date(app: Flask, organiser: StaffBrowser) -> Date:
    return Date(app, organiser)


def certified(organiser: StaffBrowser, browser: Browser, date: Date) -> str:
    """The first booking came and made its certificate; its number."""
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    path = f"/book/{date.codes[0]}/certificate"
    assert browser.send(path).status_code == 303
    found = re.search(r'href="/en/certificates/([0-9a-f-]{36})"', browser.text(path))
    assert found
    return found[1]


def test_a_certificate_is_made_once_somebody_came(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    path = f"/book/{date.codes[0]}/certificate"
    assert "when you have been there" in browser.text(path)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text("/finish"))[1]  # type: ignore[index]
    assert browser.client.post(f"/en{path}", data={"csrf_token": token}).status_code == 422
    assert browser.get(f"{path}.pdf").status_code == 303
    number = certified(organiser, browser, date)
    browser.client.post(f"/en{path}", data={"csrf_token": token})
    with app.app_context(), transaction() as session:
        (row,) = session.scalars(select(Credential)).all()
        assert (row.id, row.kind, row.booking_id) == (number, "attendance", date.bookings[0])


def test_a_look_changes_nothing(app: Flask, organiser: StaffBrowser, browser: Browser, date: Date) -> None:
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    for page in ("certificate", "certificate.pdf", "question"):
        browser.get(f"/book/{date.codes[0]}/{page}")
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Credential)) is None


def test_the_page_behind_the_square_says_what_and_never_who(
    organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    number = certified(organiser, browser, date)
    page = browser.text(f"/certificates/{number}")
    assert "Yes. We gave this certificate." in page
    assert "First steps" in page and "Red Door" in page
    assert "Zarqa" not in page and date.codes[0] not in page
    said = browser.get(f"/certificates/{number}.json")
    assert said.json and said.json["state"] == "valid"
    assert said.headers["Access-Control-Allow-Origin"] == "*"
    token = browser.text(f"/certificates/{number}.jwt")
    for private in ("Zarqa", date.codes[0]):
        assert private not in json.dumps(parts(token)[1])
    # Anybody can check it with what is published alone.
    address = parts(token)[0]["kid"].removeprefix("http://localhost")
    key = browser.client.get(address).json
    assert key
    public = rsa.RSAPublicNumbers(int.from_bytes(raw(key["e"])), int.from_bytes(raw(key["n"]))).public_key()
    assert checks(token, public)
    by_pyjwt = jwt.decode(
        token,
        jwt.PyJWK(key, algorithm="RS256").key,
        algorithms=["RS256"],
        issuer="http://localhost/api/badges/issuer",
    )
    assert by_pyjwt == said.json["credential"] | {name: by_pyjwt[name] for name in badges.CLAIMS}
    assert list(faults(said.json["credential"])) == []
    keys = browser.client.get("/api/badges/keys").json
    assert keys and keys["keys"][0]["kid"] == parts(token)[0]["kid"]
    profile = browser.client.get("/api/badges/issuer").json
    assert profile and profile["id"] == parts(token)[1]["iss"]
    assert browser.client.get("/api/badges/keys/none").status_code == 404


def test_undone_it_is_taken_back_and_marked_again_it_is_good(
    organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    number = certified(organiser, browser, date)
    organiser.send(date.path, do="undo", booking=date.bookings[0])
    assert "then took it back" in browser.text(f"/certificates/{number}")
    listed = browser.client.get("/api/badges/revoked").json
    assert listed and listed.keys() == {"id", "issuer", "revokedCredential", "revokedCredentials"}
    token = parts(browser.text(f"/certificates/{number}.jwt"))[1]
    assert (listed["id"], listed["issuer"]) == (token["credentialStatus"]["id"], token["issuer"]["id"])
    # The words of the specification say one, the validator of 1EdTech reads the other.
    for name in ("revokedCredential", "revokedCredentials"):
        assert listed[name] == [{"id": token["id"], "revoked": True}]
    assert "was taken back" in browser.text(f"/book/{date.codes[0]}/certificate")
    assert browser.get(f"/book/{date.codes[0]}/certificate.pdf").status_code == 303
    organiser.send(date.path, do="part", booking=date.bookings[0])
    assert "Yes. We gave" in browser.text(f"/certificates/{number}")
    listed = browser.client.get("/api/badges/revoked").json
    assert listed and listed["revokedCredential"] == listed["revokedCredentials"] == []


def test_a_certificate_changed_in_the_database_is_called_so(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    number = certified(organiser, browser, date)
    with app.app_context(), transaction() as session:
        signed = session.scalars(select(Credential.signed)).one()
        head, _said, signature = signed.split(".")
        other = base64.urlsafe_b64encode(b'{"name":"Doctor"}').rstrip(b"=").decode()
        session.execute(update(Credential).values(signed=f"{head}.{other}.{signature}"))
    page = browser.text(f"/certificates/{number}")
    assert "Somebody changed this certificate" in page and "Doctor" not in page


def test_unknown_certificates_and_codes_are_not_found(browser: Browser, date: Date) -> None:
    made_up = browser.get(f"/certificates/{uuid.uuid4()}")
    assert made_up.status_code == 404
    assert "We gave no certificate with this number" in made_up.get_data(as_text=True)
    for ending in ("json", "jwt"):
        assert browser.get(f"/certificates/{uuid.uuid4()}.{ending}").status_code == 404
    assert browser.get("/certificates/nonsense").status_code == 404
    dead, unknown = browser.get("/book/HJ4K7MNA/certificate"), browser.get("/book/x/certificate")
    assert dead.status_code == unknown.status_code == 404


def test_the_name_is_typed_for_one_print_and_stands_nowhere(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inclusion_app.training import credential_views

    drawn: list[str] = []

    def answer(html: str, **_more: Any) -> str:
        drawn.append(html)
        return "paper"

    monkeypatch.setattr(credential_views, "pdf_answer", answer)
    certified(organiser, browser, date)
    form_on = f"/book/{date.codes[0]}/certificate"
    for typed in ("Zaynab canary", "زینب", ""):
        assert browser.send(f"{form_on}.pdf", form_on=form_on, name=typed).status_code == 200
        assert typed in drawn[-1]
    assert 'dir="rtl">زینب' in drawn[1]
    assert "/en/certificates/" in drawn[0] and "First steps" in drawn[0]
    long = browser.send(f"{form_on}.pdf", form_on=form_on, name="x" * 61)
    assert long.status_code == 422 and "too long for the paper" in long.get_data(as_text=True)
    with app.app_context():
        engine = app.extensions["engine"]
        raw_file = Path(engine.url.database).read_bytes()
    assert b"canary" not in raw_file


def test_the_paper_is_in_both_languages(
    organiser: StaffBrowser, another_browser: Callable[..., Browser], browser: Browser, date: Date,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from inclusion_app.training import credential_views

    drawn: list[str] = []
    monkeypatch.setattr(credential_views, "pdf_answer", lambda html, **_more: drawn.append(html) or "paper")
    certified(organiser, browser, date)
    assert another_browser("ur").get(f"/book/{date.codes[0]}/certificate.pdf").status_code == 200
    assert 'lang="ur" dir="rtl"' in drawn[0] and "First steps" in drawn[0]


# --- from the register


def test_a_walk_in_takes_a_certificate_home_and_undone_it_is_taken_back(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def answer(html: str, **_more: Any) -> str:
        drawn.append(html)
        return "paper"

    monkeypatch.setattr(staff_register_views, "pdf_answer", answer)
    organiser.send(date.path, do="walk_attended", label="Zarqa canary")
    page = organiser.text(date.path)
    here = re.search(r'href="(/staff/training/dates/\d+/certificate\?walk_in=(\d+))"', page)
    assert here
    assert "Make the certificate" in organiser.text(here[1])
    for _press in range(2):
        assert organiser.send(here[1], do="make").status_code == 303
    with app.app_context(), transaction() as session:
        (row,) = session.scalars(select(Credential)).all()
        assert (row.kind, row.walk_in_id, row.booking_id) == ("attendance", int(here[2]), None)
        number, signed = row.id, row.signed
    assert b"canary" not in raw(signed.split(".")[1])
    assert organiser.send(here[1], do="print", name="زینب", language="ur").status_code == 200
    assert (
        'dir="rtl">زینب' in drawn[0]
        and f"/ur/certificates/{number}" in drawn[0]
        and "First steps" in drawn[0]
    )
    refused = organiser.send(here[1], do="print", name="x" * 61, language="en")
    assert refused.status_code == 422 and "too long for the paper" in refused.get_data(as_text=True)
    assert organiser.send(here[1], do="print", name="A", language="tlh").status_code == 422
    assert "Yes. We gave this certificate." in browser.text(f"/certificates/{number}")
    organiser.send(date.path, do="walk_out", walk_in=here[2])
    assert "Yes. We gave this certificate." not in browser.text(f"/certificates/{number}")
    assert organiser.get(here[1]).status_code == 303, "nobody is there any more"


def test_the_organiser_prints_the_certificate_of_a_booking_on_the_day(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    here = f"{date.path.removesuffix('register')}certificate?booking={date.bookings[0]}"
    assert organiser.get(here).status_code == 303, "they have not come yet"
    number = certified(organiser, browser, date)
    assert here in organiser.text(date.path)
    assert f"/en/certificates/{number}" in organiser.text(here), "it is the same one"
    organiser.send(date.path, do="undo", booking=date.bookings[0])
    assert organiser.get(here).status_code == 303
    assert here not in organiser.text(date.path)


def test_nobody_else_prints_certificates_of_a_register(staff_browser: Staff, date: Date) -> None:
    here = f"{date.path.removesuffix('register')}certificate?booking={date.bookings[0]}"
    assert staff_browser("front_desk").get(here).status_code == 403
    other = staff_browser("training_organiser", organisation="Another")
    assert other.get(here).status_code == 404
