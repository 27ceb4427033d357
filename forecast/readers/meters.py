"""Meters: the name of what a bill counts comes in; the kind of token, tier, size of request and model go out.

Clouds write meters in words of their own: ``USE1-Claude4.6Opus-cache-read-input-token-count``, ``gpt 4o 1120 cached
Inp glbl Tokens``, ``Gemini 2.5 Flash GA Text Input``. They are read by their words, never by a list of meters. A model
gets a name that the price catalogue knows, or keeps the one that it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final

import pandas as pd

#: The tokens of one unit, as units of measure are spelled.
_SCALES: Final = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "billion": 1e9}
_NUMBER: Final = r"(?P<number>\d[\d,]*(?:\.\d+)?)?\s*(?P<scale>k|m|b|thousand|million|billion)?"
_TOKENS: Final = re.compile(
    rf"(?:per\s+)?{_NUMBER}\s*(?:(?:input|output|cached|prompt|completion|text)\s+)*tokens?", re.IGNORECASE
)
_BARE: Final = re.compile(_NUMBER, re.IGNORECASE)
#: Words of a meter that is paid by time or by what is no inference, though it may name tokens.
_OTHER: Final = (
    r"\b(storage|training|customization|hosting|hours?|hr|tpm|provisioned\w*|ptu|reserved|guardrails?|video output|"
    r"grounding)\b"
)
_AUDIO: Final = r"\b(audio|aud|speech)\b"
_READ: Final = r"\b(cached|caching|cchd|cd|cache)\b"
_WRITTEN: Final = r"\b(cache (?:\w+ )?(?:writes?|wr|creation)|cachewr|wr)\b"
_HOUR: Final = r"\b(1 ?h|1 ?hr|1 hour|60 ?m|60 minutes)\b"
_OUT: Final = r"\b(outputs?|outp|outpt|opt|out|completions?|responses?|generated)\b"
_IN: Final = r"\b(inputs?|inp|inpt|prompts?|embed\w*|ada)\b"
_SHORT_IN: Final = r"\bin(?: (?:gl|glbl|global|dz|dzone|regnl|rg|tokens?|1m|1k)\b|$)"
_THINKING: Final = r"\b(thinking (?:text )?output|reasoning tokens?)\b"
_TIERS: Final = (
    ("provisioned", r"\b(provisioned\w*|ptu|reserved|tpm)\b"),
    ("batch", r"\bbatch\b"),
    ("flex", r"\bflex\b"),
    ("priority", r"\b(priority|pp|prty|latency optimized)\b"),
)
_LONG: Final = r"\b(long ?co|long ?ctx|lctx|l ctx|long ?context|long)\b"
_BASE: Final = r"\b(short ?co|short ?ctx|short ?context)\b"
#: Words of a meter that stand after the model's name.
_AFTER: Final = re.compile(
    r"inp(?:u?ts?)?|in|outp(?:u?ts?)?|opt|out|cached|caching|cchd|cd|cache(?:wr)?|wr|batch|flex|gl|glbl|global|geo|"
    r"dz|dt?zone|datazone|data|zone|re?gn?l|regnl|regional|rg|tokens?|1m|1k|1000|pp|prty|priority|(?:short|long)(?:co|ctx)?|"
    r"lctx|prompts?|completions?|aud|audio|txt|img|image|video|speech|training|customization|hosting|provisioned|std|"
    r"standard|mantle|cross|custom|latency|ga|predictions|per|on|for|units?|count|response"
)
_THINKS: Final = {("thinking", "text"), ("thinking", "output"), ("reasoning", "tokens")}
#: A region of AWS before its usage types, USE1 or EU: no word of its letters alone, for GPT-5 is a model.
REGION: Final = r"(?:US|EU|AP|CA|SA|ME|AF|IL|UG|MX|CN)[A-Z]\d{1,2}|EU"
_REGION: Final = re.compile(rf"^(?:{REGION})-(?:MP:(?:{REGION})_)?(?=.)")
#: Parts of a model's name that say nothing of which model it is.
_SILENT: Final = frozenset({"instruct", "it", "preview", "latest", "0", "text", "model", "models", "az", "azure"})
_VERSION: Final = re.compile(r"(-v\d+(:\d+)?|-\d+:\d+|:\d+)$")
_DATED: Final = re.compile(r"[-@](20\d{6}|20\d{2}-\d{2}-\d{2})$")
_PLACED: Final = re.compile(r"^(global|regional|us|eu|apac|jp|au|in|us-gov)\.")
_SNAPSHOT: Final = re.compile(r"^(?P<model>.+)-(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])$")
_YEARS: Final = range(2023, 2031)
#: Providers as bills call them, by a word of theirs.
_PROVIDERS: Final = (
    ("aws", r"\b(aws|amazon|bedrock)\b"),
    ("azure", r"\b(azure|microsoft)\b"),
    ("google", r"\b(google|vertex|gemini|gcp)\b"),
)


def spelled(values: pd.Series, read: Callable[[str], Any]) -> pd.Series:
    """A function of each text, worked out once for each spelling; null where the text is."""
    known = {value: read(value) for value in values.dropna().unique()}
    return values.astype("object").map(known).astype("object")


def words_of(meter: str) -> str:
    """``CacheReadInputTokenCount_Global`` → ``cache read input token count global``: words in lower case."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", meter)
    return " ".join(re.findall(r"[a-z0-9.]+", apart.lower().replace("_", " ")))


def tokens_in(unit: str) -> float | None:
    """How many tokens a unit of measure is: ``1K tokens`` → 1,000; None where it is no unit of tokens."""
    return _size(_TOKENS.fullmatch(unit.strip()))


def size_of(unit: str) -> float | None:
    """A unit of measure that is a bare number, ``1K`` or ``1000``; None where it says more."""
    return _size(_BARE.fullmatch(unit.strip())) if unit.strip() else None


def _size(found: re.Match[str] | None) -> float | None:
    if found is None:
        return None
    size = float((found["number"] or "1").replace(",", "")) * _SCALES[(found["scale"] or "").lower()]
    return size if size > 0 else None


def kind_of(meter: str) -> str | None:
    """The unit of tokens that a meter counts, cache before input; None where its words name no kind."""
    words = words_of(meter)
    if re.search(_WRITTEN, words) and not re.search(r"\bstorage\b", words):
        return "cache_write_1h_tokens" if re.search(_HOUR, words) else "cache_write_tokens"
    if re.search(_OTHER, words):
        return None
    into = bool(re.search(_IN, words) or re.search(_SHORT_IN, words))
    out = bool(re.search(_OUT, words) or (re.search(_THINKING, words) and not into))
    if re.search(_READ, words) and not (out and not into):
        return "cache_read_tokens"
    sound = bool(re.search(_AUDIO, words))
    if out:
        return "output_audio_tokens" if sound else "output_tokens"
    if into:
        return "input_audio_tokens" if sound else "input_tokens"
    return None


def is_other(meter: str) -> bool:
    """Whether a meter is of storage, training, hosting or capacity: what it counts is no tokens of requests."""
    return bool(re.search(_OTHER, words_of(meter)))


def is_thinking(meter: str) -> bool:
    """Whether a meter counts thinking alone, which is output."""
    return bool(re.search(_THINKING, words_of(meter)))


def tier_of(meter: str) -> str:
    """The service tier of a meter."""
    words = words_of(meter)
    return next((tier for tier, pattern in _TIERS if re.search(pattern, words)), "standard")


def context_of(meter: str) -> str | None:
    """``long`` or ``base`` where a meter is of long or short requests alone."""
    words = words_of(meter)
    return "long" if re.search(_LONG, words) else "base" if re.search(_BASE, words) else None


def provider_of(name: str) -> str:
    """A provider as the price catalogue calls it, or as it stands."""
    from forecast.prices.catalogue import listing

    words = words_of(name.replace("_", " "))
    cloud = next((cloud for cloud, pattern in _PROVIDERS if re.search(pattern, words)), None)
    return cloud or listing(name.casefold(), None).provider or name


def head_of(meter: str) -> str:
    """The model's name at the head of a meter: ``gpt 4.1 mini Inp glbl Tokens`` → ``gpt-4.1-mini``, in its own case."""
    bare = _REGION.sub("", meter.partition("(")[0].strip())
    words = [w for w in re.split(r"[\s_/|,-]+", bare) if w]
    end = next((i for i in range(len(words)) if _ends(words, i)), len(words))
    return "-".join(words[:end])


def _ends(words: list[str], place: int) -> bool:
    """Whether a word stands after the model's name."""
    plain, *following = (word.lower().strip(".:") for word in words[place : place + 2])
    first = words_of(words[place]).split()[:1]
    return (
        _AFTER.fullmatch(plain) is not None
        or first in (["cache"], ["input"], ["output"])
        or (place > 1 and plain == "text")
        or (plain, *following) in _THINKS
    )


@lru_cache(maxsize=65_536)
def model_of(provider: str, name: str, *, world: bool = False) -> str | None:
    """The name of a model that the price catalogue knows for a provider, or None.

    Parameters
    ----------
    provider
        As :func:`provider_of` gives it.
    name
        The model as a bill names it: an id, ``Claude4.6Opus``, ``gpt-4o-1120`` (of 20 November).
    world
        On AWS, where the requests went to any region: those models have ids of their own, at another price.
    """
    joined = re.sub(r"\s+", "-", name.strip())
    plain = joined.lower().removeprefix("az-")
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", joined).lower()
    if _families(provider).isdisjoint(re.findall(r"[a-z]+", f"{plain} {apart}")):
        return None
    places = ("global.",) if world else ()
    plain = plain.replace(".", "-") if plain.startswith("claude") else plain
    for one in (*(f"{place}{plain}" for place in places), *_snapshots(provider, plain), plain):
        if _known(provider, one):
            return one
    ids = _index(provider).get(_key(plain)) or _index(provider).get(_key(apart), ())
    ranked = sorted(ids, key=lambda one: (one.startswith("global.") != world, len(one), one))
    spellings = [s for one in ranked for s in (one.removeprefix("regional."), re.sub(r"^regional\.", "us.", one), one)]
    return next((one for one in spellings if _known(provider, one)), None)


def _snapshots(provider: str, plain: str) -> list[str]:
    """What ``gpt-4o-1120`` may be: the model of that month and day, where it is priced apart, else the bare one."""
    from forecast.prices.catalogue import listing

    found = _SNAPSHOT.match(plain)
    if found is None:
        return []
    model, month, day = found["model"], found["month"], found["day"]
    usual = listing(provider, model).model
    dated = [f"{model}-{year}-{month}-{day}" for year in _YEARS]
    return [*(d for d in dated if listing(provider, d).model not in (None, usual)), model]


def _known(provider: str, name: str) -> bool:
    from forecast.prices.catalogue import listing

    return listing(provider, name).model is not None


@cache
def _index(provider: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The models that a provider sells, by the words of their names in any order."""
    from forecast.prices.catalogue import model_names

    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in model_names(provider):
        for key in {_key(name), _key(_PLACED.sub("", name).replace(".", "-", 1))}:
            found[key] = (*found.get(key, ()), name)
    return found


@cache
def _families(provider: str) -> frozenset[str]:
    """The words with which the names of a provider's models begin: what has none of them names no model."""
    from forecast.prices.catalogue import model_names

    names = [_PLACED.sub("", name.lower()) for name in model_names(provider)]
    starts = [part for name in names for part in (name, name.split(".", 1)[-1], name.split("/", 1)[-1])]
    return frozenset(found[0] for part in starts if (found := re.match(r"[a-z]+", part)))


def _key(name: str) -> tuple[str, ...]:
    """The words and numbers of a name, sorted: ``claude-opus-4-6`` and ``Claude4.6Opus`` are one."""
    plain = _PLACED.sub("", name.lower())
    plain = _DATED.sub("", _VERSION.sub("", plain))
    vendor, dot, rest = plain.partition(".")
    plain = rest if dot and vendor.isalpha() else plain
    return tuple(sorted(w for w in re.findall(r"[a-z]+|\d+", plain) if w not in _SILENT))
