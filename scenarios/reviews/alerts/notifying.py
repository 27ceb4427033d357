"""Notifications. Comes in: alerts, a webhook, a file of what was sent. Goes out: a message of what is new or worse.

Two forms: ``json`` is the document of :meth:`Alerts.to_dict` with a ``text``, of what is sent alone; ``slack`` is
``{"text": ...}``. An address is told as its host alone, because path, query and user often are its secret, and what
looks like a key is masked in every text.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import SplitResult, unquote, urlsplit

from forecast.errors import PlanError, one_of
from scenarios.reviews.alerts.alert import Alert, Alerts

Form = Literal["auto", "json", "slack"]
STATE: Final = "tokenplan/alerts-state/1"
SLACK_HOSTS: Final = ("hooks.slack.com", "hooks.slack-gov.com")
#: Seconds waited before each further try, and the longest that a server may ask for.
WAITS: Final = (1.0, 4.0)
LONGEST_WAIT: Final = 30.0
#: Answers that another try may mend.
AGAIN: Final = (408, 425, 429, 500, 502, 503, 504)
#: Alerts told in one message in words; the rest are counted.
TOLD: Final = 20
#: Alerts remembered in a state file, the latest first.
REMEMBERED: Final = 10_000
_KEY: Final = re.compile(
    r"\b(?:sk|pk|rk|xox[a-z]|gh[a-z]|glpat|AKIA|ASIA|AIza|Bearer)[-_ ]?[A-Za-z0-9_\-]{12,}|\b[A-Fa-f0-9]{32,}\b"
)
_MARKS: Final = {"critical": ":red_circle:", "warning": ":large_orange_circle:", "info": ":white_circle:"}


@dataclass(frozen=True, slots=True)
class _Target:
    """Where to send: the address without its user, a header where it has one, and how it is told."""

    url: str
    headers: Mapping[str, str]
    told: str
    host: str


def send(
    alerts: Alerts,
    url: str,
    *,
    state: str | Path | None = None,
    form: str = "auto",
    timeout: float = 10.0,
    waits: Sequence[float] = WAITS,
) -> int:
    """Send what fired, once per alert and change.

    Parameters
    ----------
    url : str
        ``https://...``, or ``http://...``.
    state : path, optional
        A JSON file of what was sent; read before, and replaced whole after a message was taken. Without it everything
        that fired is sent.
    form : {"auto", "json", "slack"}
        ``auto``: Slack's where the host is Slack's.
    timeout : float
        Seconds that one try may take.
    waits : sequence of float
        Seconds before each further try; tried again is what another try may mend (no answer, 408, 425, 429, 5xx).

    Returns
    -------
    int
        How many alerts were sent; 0, without a message, where nothing is new.

    Raises
    ------
    PlanError
        The address or the state file cannot be used, or the message was not taken; nothing is then remembered.
    """
    one_of("form", form, get_args(Form), PlanError)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 600:
        raise PlanError(f"timeout={timeout!r}: wanted seconds, above 0 and up to 600")
    target = _target(url)
    path = None if state is None else Path(state)
    sent = {} if path is None else _read(path)
    new = [one for one in alerts.fired if sent.get(one.id, {}).get("fingerprint") != one.fingerprint]
    if not new:
        return 0
    slack = form == "slack" or (form == "auto" and target.host in SLACK_HOSTS)
    body = slack_message(alerts, new) if slack else json_message(alerts, new)
    _post(target, json.dumps(body, ensure_ascii=False, allow_nan=False).encode(), timeout, waits)
    if path is not None:
        told = {one.id: {"fingerprint": one.fingerprint, "day": f"{one.day:%Y-%m-%d}"} for one in new}
        _write(path, {**sent, **told})
    return len(new)


def json_message(alerts: Alerts, new: Sequence[Alert]) -> dict[str, Any]:
    """The document of what is sent, with its text."""
    document = {**alerts.to_dict(), "fired": len(new), "alerts": [one.to_dict() for one in new]}
    made: dict[str, Any] = _masked({**document, "text": text_of(alerts, new)})
    return made


def slack_message(alerts: Alerts, new: Sequence[Alert]) -> dict[str, str]:
    """The same in words, as an incoming webhook of Slack takes them: ``&``, ``<`` and ``>`` are escaped."""
    safe = text_of(alerts, new, marks=_MARKS).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": safe}


def text_of(alerts: Alerts, new: Sequence[Alert], *, marks: Mapping[str, str] | None = None) -> str:
    """A line an alert, the worst first."""
    head = f"{len(new)} alert{'s' if len(new) > 1 else ''} on token spend as of {alerts.as_of:%Y-%m-%d}"
    lines = [f"{(marks or {}).get(one.severity, one.severity)} {one.message}" for one in new[:TOLD]]
    rest = [f"and {len(new) - TOLD} more"] if len(new) > TOLD else []
    return mask("\n".join([head, *lines, *rest]))


def mask(text: str) -> str:
    """The text with what looks like a key replaced."""
    return _KEY.sub(lambda found: f"{found[0][:4]}***", text)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        kept = ("id", "fingerprint")  # hashes of our own
        return {mask(str(k)): v if k in kept else _masked(v) for k, v in value.items()}
    return [_masked(v) for v in value] if isinstance(value, list | tuple) else value


# ------------------------------------------------------------------------------------------------------ the address


def _target(url: object) -> _Target:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in parts.netloc):
        raise PlanError("webhook: wanted an address such as https://example.com/hook (what was given is not shown)")
    where = f"[{host}]" if ":" in host else host
    where += f":{port}" if port else ""
    headers = {}
    if parts.username:
        both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
    clean = parts._replace(netloc=where, fragment="").geturl()
    return _Target(clean, headers, f"{parts.scheme}://{where}/***", host)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the message into a request without a body, or carry it elsewhere."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Refuse."""
        return


def _post(target: _Target, body: bytes, timeout: float, waits: Sequence[float]) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "tokenplan", **target.headers}
    opener = urllib.request.build_opener(_NoRedirects())
    for number, wait in enumerate([*waits, None], start=1):
        asked = wait
        try:
            # The scheme was held to http and https.
            request = urllib.request.Request(target.url, data=body, headers=headers, method="POST")  # noqa: S310
            with opener.open(request, timeout=timeout):
                return
        except urllib.error.HTTPError as error:
            why = f"it answered {error.code} {_phrase(error.code)}"
            again, asked = error.code in AGAIN, _asked(error, wait)
            error.close()
        except TimeoutError:
            why, again = f"no answer within {timeout:g} seconds", True
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            why, again = _reason(error, timeout), not isinstance(error, ValueError)
        if not again or wait is None:
            told = f" (tried {number} times)" if number > 1 else ""
            raise PlanError(
                f"webhook {target.told}: the message was not taken: {why}{told}; nothing is remembered as sent"
            )
        time.sleep(asked or 0.0)


def _asked(error: urllib.error.HTTPError, wait: float | None) -> float | None:
    """The wait, or what the server asks for in seconds, up to half a minute."""
    told = error.headers.get("Retry-After", "")
    return min(float(told), LONGEST_WAIT) if wait is not None and told.isascii() and told.isdigit() else wait


def _phrase(code: int) -> str:
    redirect = ", a redirect, which is not followed" if 300 <= code < 400 else ""
    return http.client.responses.get(code, "").strip() + redirect


def _reason(error: Exception, timeout: float) -> str:
    """What went wrong, without the address: only kinds of errors and the system's own words are told."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {timeout:g} seconds"
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.strerror} ({type(cause).__name__})"
    return type(cause).__name__


# ------------------------------------------------------------------------------------------------------ the state


def _read(path: Path) -> dict[str, dict[str, str]]:
    """What was sent, by id; nothing where there is no file yet."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PlanError(
            f"{path}: cannot be read as a state of alerts ({_words(error)}); move it away to begin anew"
        ) from error
    sent = held.get("sent") if isinstance(held, dict) and held.get("schema") == STATE else None
    if not isinstance(sent, dict) or not all(_entry(one) for one in sent.values()):
        raise PlanError(f"{path}: is no state of alerts ({STATE}); name another file, or move it away to begin anew")
    return sent


def _entry(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("fingerprint", "day"))


def _words(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is no JSON"


def _write(path: Path, sent: Mapping[str, Mapping[str, str]]) -> None:
    """Replace the file whole: a reader sees the old one or the new one."""
    latest = sorted(sent.items(), key=lambda item: (item[1]["day"], item[0]), reverse=True)[:REMEMBERED]
    text = json.dumps({"schema": STATE, "sent": dict(sorted(latest))}, indent=1) + "\n"
    aside = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".alerts-", delete=False
        ) as file:
            aside = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        if aside is not None:
            aside.unlink(missing_ok=True)
        raise PlanError(
            f"{path}: what was sent cannot be written down ({_words(error)}): the message went out, and will again"
        ) from error
