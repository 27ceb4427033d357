"""Alerts sent to a local web server: once an alert and change, without secrets, and what goes wrong in a sentence."""

import base64
import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from scenarios.reviews.alerts.alert import ordered
from scenarios.reviews.alerts.notifying import LONGEST_WAIT, mask, send, text_of

DAY = pd.Timestamp("2026-06-10")
SECRET = "T0PS3CRETPATH"  # noqa: S105 - no password, but what a webhook's address hides


def alert(project="search", severity="warning", step=1, **more):
    labels = {"environment": "production", "project": project}
    given = {"rule": "spike", "since": DAY, "day": DAY, "message": f"Spike in production/{project}.", **more}
    return sc.Alert(severity=severity, labels=labels, evidence={"ratio": 3.0}, step=step, **given)


def alerts(*found):
    return sc.Alerts(ordered(found), DAY, 3)


@contextmanager
def server(*answers, delay=0.0):
    """A web server that answers with these codes in turn, the last for ever; yields its address and what it got."""
    got, left, open_ = [], list(answers), threading.Event()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), json.loads(body)))
            open_.wait(delay)
            code, headers = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{web.server_port}/{SECRET}?token={SECRET}", got
        finally:
            open_.set()
            web.shutdown()
            thread.join()


OK = (200, {})


def test_each_alert_goes_out_once_and_again_when_it_changes(tmp_path):
    state = tmp_path / "state.json"
    one, two = alert("search"), alert("chat")
    with server(OK) as (url, got):
        assert alerts(one, two).notify(url, state=state) == 2
        assert alerts(one, two).notify(url, state=state) == 0
        assert alerts(replace(one, day=DAY + pd.Timedelta(days=1)), two).notify(url, state=state) == 0
        assert alerts(replace(one, step=2), two).notify(url, state=state) == 1
        assert alerts(one, replace(two, severity="critical")).notify(url, state=state) == 2
    assert [len(body["alerts"]) for _, _, body in got] == [2, 1, 2]
    assert got[1][2]["alerts"][0]["id"] == one.id
    assert got[0][2]["schema"] == "tokenplan/alerts/1"
    assert got[0][2]["text"].startswith("2 alerts on token spend as of 2026-06-10\n")
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


def test_what_only_informs_is_not_sent_and_without_a_state_all_is():
    with server(OK) as (url, got):
        assert alerts(alert(severity="info")).notify(url) == 0
        assert alerts(alert()).notify(url) == 1
        assert alerts(alert()).notify(url) == 1
    assert len(got) == 2


def test_slack_gets_text_alone_and_escaped():
    with server(OK) as (url, got):
        send(alerts(alert("<a&b>")), url, form="slack")
    (_, _, body) = got[0]
    assert set(body) == {"text"}
    assert "production/&lt;a&amp;b&gt;" in body["text"]


def test_a_server_that_stumbles_is_asked_again():
    with server((503, {}), (429, {"Retry-After": "0"}), OK) as (url, got):
        assert send(alerts(alert()), url, waits=(0.0, 60.0)) == 1  # 60 seconds, but the server asks for none
    assert len(got) == 3
    assert LONGEST_WAIT == 30


@pytest.mark.parametrize(
    ("answer", "tries", "says"),
    [
        ((500, {}), 3, "it answered 500 Internal Server Error (tried 3 times)"),
        ((404, {}), 1, "it answered 404 Not Found;"),
        ((302, {"Location": "http://127.0.0.1:9/elsewhere"}), 1, "a redirect, which is not followed"),
    ],
)
def test_what_is_not_taken_is_told_and_not_remembered(answer, tries, says, tmp_path):
    state = tmp_path / "state.json"
    with server(answer) as (url, got), pytest.raises(fc.PlanError) as told:
        send(alerts(alert()), url, state=state, waits=(0.0, 0.0))
    assert says in str(told.value)
    assert SECRET not in str(told.value)
    assert len(got) == tries
    assert not state.exists()


def test_no_answer_and_nobody_there_are_told():
    with server(OK, delay=5.0) as (url, _), pytest.raises(fc.PlanError, match=r"no answer within 0\.2 seconds") as told:
        send(alerts(alert()), url, timeout=0.2, waits=())
    assert SECRET not in str(told.value)
    with server(OK) as (url, _):
        gone = url
    with pytest.raises(fc.PlanError, match=r"http://127\.0\.0\.1:\d+/\*\*\*.*Connection refused") as told:
        send(alerts(alert()), gone, waits=())
    assert SECRET not in str(told.value)


def test_user_and_password_of_an_address_go_as_a_header_and_into_no_text():
    with server(OK) as (url, got):
        send(alerts(alert()), url.replace("http://", "http://robot:p%40ss@"))
    path, headers, body = got[0]
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"robot:p@ss"
    assert path == f"/{SECRET}?token={SECRET}"
    assert SECRET not in json.dumps(body)
    with server((400, {})) as (url, _), pytest.raises(fc.PlanError) as told:
        send(alerts(alert()), url.replace("http://", "http://robot:p%40ss@"))
    assert "robot" not in str(told.value)
    assert "p%40ss" not in str(told.value)


@pytest.mark.parametrize(
    "url", ["", "example.com/x", "ftp://example.com/x", "file:///etc/passwd", "http://", "http://a:b:c", 7]
)
def test_addresses_that_are_none_are_refused_unshown(url):
    with pytest.raises(fc.PlanError, match="wanted an address") as told:
        send(alerts(alert()), url)
    assert not url or str(url) not in str(told.value).replace("https://example.com/hook", "")


@pytest.mark.parametrize(
    "key",
    ["sk-proj-abcdefghijklmnop1234", "ghp_abcdefghijklmnopqrstuvwx", "AKIAIOSFODNN7EXAMPLE", "0123456789abcdef" * 2],
)
def test_what_looks_like_a_key_is_masked(key):
    assert key not in mask(f"Spike in production/{key}.")
    with server(OK) as (url, got):
        send(alerts(alert(key)), url)
    assert key not in json.dumps(got[0][2])
    assert got[0][2]["alerts"][0]["fingerprint"] == alert(key).fingerprint


def test_long_lists_are_counted():
    many = alerts(*(alert(f"p{i}") for i in range(30)))
    assert text_of(many, many.fired).endswith("\nand 10 more")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": "other", "sent": {}}', '{"schema": "tokenplan/alerts-state/1", "sent": {"a": 1}}']
)
def test_a_damaged_state_is_told_before_anything_is_sent(text, tmp_path):
    state = tmp_path / "state.json"
    state.write_text(text)
    with server(OK) as (url, got), pytest.raises(fc.PlanError, match="begin anew"):
        send(alerts(alert()), url, state=state)
    assert not got
    assert state.read_text() == text


def test_a_state_that_cannot_be_written_says_that_the_message_went_out(tmp_path):
    with server(OK) as (url, got), pytest.raises(fc.PlanError, match="the message went out, and will again"):
        send(alerts(alert()), url, state=tmp_path / "no" / "state.json")
    assert len(got) == 1
