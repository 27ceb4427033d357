"""OpenTelemetry: OTLP JSON as a collector's file exporter writes it comes in; records of generative AI go out.

Spans tell of single requests (``gen_ai.usage.*``); the histogram ``gen_ai.client.token.usage`` tells sums of the same
requests. They are two accounts of one thing: where a file has both, the spans are read, which know cached tokens, and
the metric is passed over with a note. Input holds cached tokens, output holds reasoning. Source: the semantic
conventions for generative AI, and the protocol's data model (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from forecast.readers.contents import Content, Documents
from forecast.readers.sheet import Extract, Sheet

NAME: Final = "otel"
TITLE: Final = "OpenTelemetry GenAI: spans and token metrics as OTLP JSON lines"
_METRIC: Final = "gen_ai.client.token.usage"
_INPUT, _OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
#: Earlier names of the same attributes.
_FORMERLY: Final = {
    _INPUT: "gen_ai.usage.prompt_tokens",
    _OUTPUT: "gen_ai.usage.completion_tokens",
    "gen_ai.provider.name": "gen_ai.system",
    "deployment.environment.name": "deployment.environment",
}
_READ: Final = "gen_ai.usage.cache_read.input_tokens"
_WRITTEN: Final = "gen_ai.usage.cache_creation.input_tokens"
_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
_NAMED: Final = ("service.name", "service.namespace", "gen_ai.operation.name", "server.address", "gen_ai.agent.name")
_DELTA, _CUMULATIVE = 1, 2
_TEMPORALITY: Final = {"AGGREGATION_TEMPORALITY_DELTA": _DELTA, "AGGREGATION_TEMPORALITY_CUMULATIVE": _CUMULATIVE}
#: How providers are called in the conventions, and in price books.
_PROVIDERS: Final = {
    "aws.bedrock": "aws",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "mistral_ai": "mistral",
    "x_ai": "x-ai",
}

Record = dict[str, Any]


def fits(content: Content) -> bool:
    """Whether it is OTLP JSON: spans, metrics or log records under their resources."""
    if not isinstance(content, Documents) or not content.values:
        return False
    return all(
        isinstance(v, dict) and any(isinstance(v.get(k), list) for k in ("resourceSpans", "resourceMetrics"))
        for v in content.values[:20]
    )


def extract(content: Content) -> Iterator[Extract]:
    """The requests of spans, or else the sums of the metric; never both."""
    if not isinstance(content, Documents):
        return
    spans, metrics = list(_spans(content)), list(_points(content))
    if not spans:
        yield _of_metric(content.name, metrics)
        return
    made = Sheet.of_records(content.name, [record for _, record in spans], [place for place, _ in spans])
    if metrics:
        made.notes.append(
            f"{len(metrics)} points of {_METRIC} are passed over: they tell sums of the requests that the spans tell"
        )
    yield _of_spans(made)


# -------------------------------------------------------------------------------------------------------- spans


def _of_spans(sheet: Sheet) -> Extract:
    whole, output = sheet.count(_INPUT), sheet.count(_OUTPUT)
    read, written = sheet.count(_READ), sheet.count(_WRITTEN)
    cached = read.fillna(0.0) + written.fillna(0.0)
    rest = sheet.within(cached, whole.fillna(0.0), "cached tokens are above all input", _INPUT, _READ, _WRITTEN)
    reasoning = sheet.count(_REASONING)
    sheet.refuse(reasoning > output.fillna(0.0), "reasoning is above all output", _OUTPUT, _REASONING)
    one = pd.Series(1.0, index=sheet.frame.index)
    return sheet.extract(
        "moment",
        {
            "date": _nanoseconds(sheet, "time"),
            **_texts(sheet),
            "requests": one,
            "input_tokens": rest.where(whole.notna()),
            "cache_read_tokens": read,
            "cache_write_tokens": written,
            "output_tokens": output,
            "reasoning_tokens": reasoning,
        },
        held={"requests": one, "tokens": whole.fillna(0.0) + output.fillna(0.0)},
        attributes=_attributes(sheet),
        identity=sheet.text("identity"),
    )


def _spans(content: Documents) -> Iterator[tuple[str, Record]]:
    """Each span that tells of tokens; one that sums up others under it is passed over."""
    found: list[tuple[str, Record, str, str]] = []
    for line, resource, span in _under(content, "resourceSpans", "scopeSpans", "spans"):
        own = _attributes_of(span)
        told = {key: _first(own, key) for key in (_INPUT, _OUTPUT)}
        if all(value is None for value in told.values()):
            continue
        ids = [str(span.get(k) or "") for k in ("traceId", "spanId", "parentSpanId")]
        record = resource | own | told | {"time": span.get("endTimeUnixNano") or span.get("startTimeUnixNano")}
        record["identity"] = "/".join(ids[:2]) if ids[1] else None
        found.append((f"line {line}", record, "/".join(ids[:2]), "/".join((ids[0], ids[2]))))
    parents = {parent for _, _, _, parent in found}
    for number, (place, record, own_id, _) in enumerate(found, start=1):
        if own_id not in parents or not own_id.strip("/"):
            yield f"{place}, span {number}", record


# ------------------------------------------------------------------------------------------------------- metric


def _of_metric(name: str, points: list[tuple[str, Record]]) -> Extract:
    deltas = [(place, one) for place, one in points if one["temporality"] != _CUMULATIVE]
    deltas += _differences([(place, one) for place, one in points if one["temporality"] == _CUMULATIVE])
    sheet = Sheet.of_records(name, [one for _, one in deltas], [place for place, _ in deltas])
    tokens = sheet.count("sum")
    kind = sheet.text("gen_ai.token.type").str.lower()
    known = kind.isin(["input", "output", "completion"])
    sheet.refuse(~known, "the type of the tokens is neither input nor output", "gen_ai.token.type")
    out = kind.isin(["output", "completion"])
    # A request has a measurement of its input and one of its output: those of the output would count it twice.
    requests = sheet.count("count").where(~out, 0.0)
    if any(one["temporality"] == _CUMULATIVE for _, one in points):
        sheet.notes.append("of each cumulative series the first point is read as used since the series began")
    if len(sheet):
        sheet.notes.append(
            f"{_METRIC} does not tell cached tokens apart: all input is read as not cached; requests are the "
            "measurements of input"
        )
    return sheet.extract(
        "hour",
        {
            "date": _nanoseconds(sheet, "time"),
            **_texts(sheet),
            "requests": requests,
            "input_tokens": tokens.mask(out, 0.0),
            "output_tokens": tokens.where(out, 0.0),
        },
        held={"requests": requests, "tokens": tokens},
        attributes=_attributes(sheet),
    )


def _points(content: Documents) -> Iterator[tuple[str, Record]]:
    number = 0
    for line, resource, metric in _under(content, "resourceMetrics", "scopeMetrics", "metrics"):
        if metric.get("name") != _METRIC:
            continue
        for form in ("histogram", "exponentialHistogram", "sum"):
            body = metric.get(form)
            points = body.get("dataPoints") if isinstance(body, dict) else None
            if not isinstance(body, dict) or not isinstance(points, list):
                continue
            temporality = _TEMPORALITY.get(str(body.get("aggregationTemporality")), body.get("aggregationTemporality"))
            for point in points:
                if isinstance(point, dict):
                    own = _attributes_of(point)
                    amount = {"sum": _amount(point), "count": point.get("count")}
                    times = {"time": point.get("timeUnixNano"), "start": point.get("startTimeUnixNano")}
                    number += 1
                    yield f"line {line}, point {number}", resource | own | amount | times | {"temporality": temporality}


def _amount(point: Mapping[str, Any]) -> Any:
    return next((point[k] for k in ("sum", "asInt", "asDouble") if point.get(k) is not None), None)


def _differences(points: list[tuple[str, Record]]) -> list[tuple[str, Record]]:
    """What a cumulative series grew by from point to point; a new start, or a fall, begins at 0 again."""
    keyed: dict[str, list[tuple[str, Record]]] = {}
    for place, one in points:
        key = {k: v for k, v in one.items() if k not in ("sum", "count", "time", "start", "temporality")}
        keyed.setdefault(repr(sorted(key.items())), []).append((place, one))
    found = []
    for series in keyed.values():
        before: Record | None = None
        for place, one in sorted(series, key=lambda p: _number(p[1]["time"])):
            fell = before is not None and _number(one["count"]) < _number(before["count"])
            new = before is None or fell or _number(one["start"]) > _number(before["start"])
            base = {} if new or before is None else before
            grown = {
                k: _number(one[k]) - _number(base.get(k)) if one[k] is not None else None for k in ("sum", "count")
            }
            found.append((place, one | grown))
            before = one
    return found


# ------------------------------------------------------------------------------------------------------- shared


def _under(content: Documents, *levels: str) -> Iterator[tuple[int, Record, Record]]:
    """What stands three levels down in each document, with its line and the attributes of its resource."""
    outer, middle, inner = levels
    for line, value in zip(content.lines, content.values, strict=True):
        for group in _listed(value, outer):
            resource = group.get("resource")
            about = _attributes_of(resource) if isinstance(resource, dict) else {}
            for scope in _listed(group, middle):
                yield from ((line, about, one) for one in _listed(scope, inner))


def _listed(value: Any, name: str) -> list[Record]:
    inside = value.get(name) if isinstance(value, dict) else None
    return [one for one in inside if isinstance(one, dict)] if isinstance(inside, list) else []


def _attributes_of(holder: Mapping[str, Any]) -> Record:
    """Attributes as plain values."""
    found: Record = {}
    for one in _listed(holder, "attributes"):
        value = one.get("value")
        if isinstance(value, dict):
            plain = [value[k] for k in ("stringValue", "intValue", "doubleValue", "boolValue") if k in value]
            found[str(one.get("key"))] = plain[0] if plain else None
    return found


def _first(own: Mapping[str, Any], key: str) -> Any:
    value = own.get(key)
    return own.get(_FORMERLY[key]) if value is None and key in _FORMERLY else value


def _number(value: Any) -> float:
    number = pd.to_numeric(pd.Series([value]), errors="coerce").iloc[0]
    return 0.0 if pd.isna(number) else float(number)


def _nanoseconds(sheet: Sheet, column: str) -> pd.Series:
    """Nanoseconds since 1970, as an instant; what ends with an hour is of that hour."""
    whole = sheet.number(column)
    sheet.refuse(whole.isna(), f"{column} is blank: no date", column)
    far = (whole < pd.Timestamp("2015-01-01").value) | (whole > 4e18)
    sheet.refuse(far, f"{column} is no time in nanoseconds since 1970", column)
    micros = (whole.mask(far) / 1e3).round() - 1.0
    return pd.to_datetime(micros, unit="us", utc=True)


def _texts(sheet: Sheet) -> dict[str, pd.Series]:
    provider = sheet.text("gen_ai.provider.name").fillna(sheet.text("gen_ai.system"))
    model = sheet.text("gen_ai.response.model").fillna(sheet.text("gen_ai.request.model"))
    environment = sheet.text("deployment.environment.name").fillna(sheet.text("deployment.environment"))
    return {
        "provider": provider.replace(_PROVIDERS),
        "model": model,
        "environment": environment,
        "application": sheet.text("service.name"),
        "user": sheet.text("user.id").fillna(sheet.text("enduser.id")),
    }


def _attributes(sheet: Sheet) -> dict[str, pd.Series]:
    return {name: sheet.text(name) for name in _NAMED if name in sheet}
