"""Every form is attacked: whatever is sent, the answer is a page of ours and never a 500."""

from __future__ import annotations

import random
import re
import threading
from typing import Any

from flask import Flask
from sqlalchemy import text

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.places.services import load_city_pack
from tests.conftest import Browser

NASTY = (
    "", " ", "0", "-1", "g02", "F1", "none", "yes", "alone", "doing", "not_for_me", "pin", "new", "everything-on", "pictures",
    "M14 5RQ", "m14", "SW1A 1AA", "4071", "٤٠٧١", "1234", "ABCD-EFGH", "\x00", "😀",
    "' OR 1=1 --", "<script>alert(1)</script>", "{{7*7}}", "%(name)s", "%s%n", "A" * 3_000, "../../etc/passwd", "\u202eabc",
    "9" * 400, "31", "2", "2027", "NaN", "true", "null", "\r\nSet-Cookie: x=1", "keep", "drop", "hours", "together", "sun",
)  # fmt: skip
FIELDS = (
    "answer", "skip", "back", "helped", "g02", "g05", "do", "goal", "remove", "mode", "extra", "library", "minutes", "near",
    "for", "pin", "pin_again", "nickname", "everything", "keep_near", "with", "picture1", "picture2", "picture3", "code",
    "what", "words", "dependants",
)  # fmt: skip
POSTS = (
    "/roadmap/check", "/roadmap/check/2", "/roadmap/check/3", "/roadmap/check/4", "/roadmap/check/9", "/roadmap/check/days",
    "/roadmap/check/new", "/roadmap/settings", "/roadmap/goals", "/roadmap/goals/g05", "/roadmap/steps/F1", "/roadmap/steps/A3",
    "/roadmap/steps/C2/not-for-me", "/roadmap/save", "/roadmap/code", "/come-back", "/places", "/places/gorton-library/wrong",
)  # fmt: skip
GETS = (
    "/places?near={}",
    "/places?kind={}&open={}&page={}&has={}",
    "/roadmap/steps/{}",
    "/places/{}",
    "/come-back?with={}",
)
ROUNDS = 2_500


def test_no_body_makes_a_500(app: Flask) -> None:
    app.config["RAISE_UNFORESEEN"] = False
    dice = random.Random(20261123)
    person = Browser(app, "ur")
    person.make_plan(("g02", "g05"))
    token = ""
    seen: dict[int, int] = {}
    for number in range(ROUNDS):
        if number % 25 == 0:
            found = re.search(r'name="csrf_token" value="([^"]+)"', person.text("/roadmap/check"))
            if not found:  # the code alone closed the check; start again
                person = Browser(app, dice.choice(("en", "ur", "ar")))
                person.make_plan(("g02", "g05"))
                found = re.search(r'name="csrf_token" value="([^"]+)"', person.text("/roadmap/check"))
            assert found
            token = found[1]
        data: dict[str, Any] = {
            name: [dice.choice(NASTY) for _ in range(dice.choice((1, 1, 3)))]
            for name in dice.sample(FIELDS, dice.randint(0, 6))
        }
        path = dice.choice(POSTS)
        answer = person.client.post(f"/{person.language}{path}", data={**data, "csrf_token": token})
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (path, data, answer.get_data(as_text=True)[:400])
        if number % 10 == 0:
            path = dice.choice(GETS)
            values = [dice.choice(NASTY).replace("#", "") for _ in range(path.count("{}"))]
            answer = person.client.get(f"/{person.language}{path.format(*values)}")
            assert answer.status_code < 500, (path, values)
            assert "Set-Cookie: x=1" not in str(answer.headers)
        page = answer.get_data(as_text=True)
        assert "<script>alert" not in page
        assert "Traceback" not in page
    print(seen)
    assert len(seen) >= 4


def test_two_who_save_at_once_make_one_plan(service_on_both: Flask) -> None:
    with service_on_both.app_context(), transaction() as session:
        load_city_pack(session, now=now())
    person = Browser(service_on_both)
    person.make_plan()
    found = re.search(r'name="csrf_token" value="([^"]+)"', person.text("/roadmap/save"))
    assert found
    cookie = person.client.get_cookie("visit")
    assert cookie
    answers: list[int] = []

    def save() -> None:
        client = service_on_both.test_client()
        client.set_cookie("visit", cookie.value)
        data = {"csrf_token": found[1], "pin": "4071", "pin_again": "4071"}
        answers.append(client.post("/en/roadmap/save", data=data).status_code)

    threads = [threading.Thread(target=save) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {303, 422}
    with service_on_both.app_context(), transaction() as session:
        assert session.execute(text("SELECT count(*) FROM residents")).scalar() == 1
        assert session.execute(text("SELECT count(*) FROM roadmaps")).scalar() == 1
