"""Caches. Comes in: the share that one answers or holds. Goes out: requests not sent, or input read at less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, get_args

import numpy as np

from forecast.errors import ScenarioError, one_of
from forecast.panel import FloatArray, IntArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Stage, checked, told
from scenarios.changes.flows import AVOIDED, Flows
from scenarios.changes.levers import PROMPT, Lever, share_of, volume_of
from scenarios.changes.scene import Scene, by_path, constant, part

Lifetime = Literal["5m", "1h"]
_WRITTEN: Final[dict[str, str]] = {"5m": "cache_write_tokens", "1h": "cache_write_1h_tokens"}


@dataclass(frozen=True, slots=True)
class PromptCache(Lever):
    """Prompt caching: a share of all input is read from the vendor's cache.

    With T all input of a request (plain, read from a cache, written to one), h the hit share, w the share of the rest
    that is written, and a as far as it has come, reads are (1 - a) · as forecast + a · h · T, writes
    (1 - a) · as forecast + a · (1 - h) · w · T, and plain input (1 - a) · as forecast + a · (1 - h) · (1 - w) · T.

    OpenAI caches prompts from 1,024 tokens on by itself. Models before GPT-5.6 bill no more for what is written:
    ``writes=0``; from GPT-5.6 on it costs 1.25 times the input price
    (https://developers.openai.com/api/docs/guides/prompt-caching). Anthropic bills what is written at 1.25 times the
    input price for 5 minutes and at twice for an hour
    (https://platform.claude.com/docs/en/build-with-claude/prompt-caching). Google bills storage by the hour for
    explicit caches (https://ai.google.dev/gemini-api/docs/pricing): state it as ``running``.

    Parameters
    ----------
    to : number, between(low, high) or frozen scipy distribution
        Hit share: of all input tokens, those read from the cache. It holds what is cached today.
    writes : number, between(low, high) or frozen scipy distribution
        Of the input that is not read from the cache, the share that is billed as written to it.
    lifetime : {"5m", "1h"}
        How long an entry lasts: at which price it is written.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    to: Uncertain
    writes: Uncertain
    lifetime: Lifetime = "5m"

    def _check(self) -> None:
        checked(self, "to", "share")
        checked(self, "writes", "share")
        one_of("PromptCache.lifetime", self.lifetime, get_args(Lifetime), ScenarioError)

    def describe(self) -> str:
        """In plain words."""
        held = "" if self.writes == 0.0 else f", kept for {'an hour' if self.lifetime == '1h' else '5 minutes'}"
        return self._told(
            f"{told(self.to, 'share')} of all input{{of}} is read from a cache and {told(self.writes, 'share')} of the "
            f"rest is written to it{held}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Cache prompts."""
        found = scene.units(flows, self._touched(flows, scene), PROMPT, what="PromptCache")
        acted = np.nonzero(found)[0].astype(np.intp)
        acted = acted[~np.isnan(scene.book(flows.taken(acted))).any(axis=0)]
        come = self._come(scene)
        hit = self._drawn(scene, self.to, "share", "to")
        written = self._drawn(scene, self.writes, "share", "writes")
        self._check_prices(flows.taken(acted), scene, come, writes=bool(written.any()))
        flows = self._judged(flows, scene, volume_of(flows, found), come)
        parts = (
            ("cache_read_tokens", hit),
            (_WRITTEN[self.lifetime], (1.0 - hit) * written),
            ("input_tokens", (1.0 - hit) * (1.0 - written)),
        )
        whole = flows
        for unit, share in parts:
            if share.any():
                whole, _ = whole.split(acted, None, by_path(share, come), {"unit": unit})
        return whole.times(acted, constant(1.0 - come))

    def _check_prices(self, flows: Flows, scene: Scene, come: FloatArray, *, writes: bool) -> None:
        """Refuse a cache that has no price, or one that saves nothing."""
        if np.isfinite(flows.quoted).any():
            row = flows.labels[np.isfinite(flows.quoted)].iloc[0]
            raise ScenarioError(
                f"PromptCache: the prices of {row['model']} are stated by a change, which says none of a cache; put "
                "them in the price book"
            )
        read = flows.labels.assign(unit="cache_read_tokens")
        scene.require_price(read, what="PromptCache")
        if writes:
            scene.require_price(flows.labels.assign(unit=_WRITTEN[self.lifetime]), what="PromptCache")
        plain = flows.labels.assign(unit="input_tokens")
        scene.require_price(plain, what="PromptCache")
        cached, anew = scene.quotes.of(read), scene.quotes.of(plain)
        dear = (cached >= anew) & (come > 0)[:, None]
        if dear.any():
            day, column = np.argwhere(dear)[0]
            per = scene.per(read)[column]
            raise ScenarioError(
                f"PromptCache: {flows.labels['model'].iloc[column]} reads from a cache at "
                f"{cached[day, column] * per:g} a million tokens and anew at {anew[day, column] * per:g}, so a cache "
                "saves nothing; narrow it with model=, or put its cache price in the price book"
            )


@dataclass(frozen=True, slots=True)
class SemanticCache(Lever):
    """Answers from a cache of one's own for requests that mean the same: requests and all their tokens are avoided.

    Quantity of every unit and requests are (1 - a · share) of what is forecast. The answers from the cache still count
    when quality is judged, with its loss.

    Parameters
    ----------
    share : number, between(low, high) or frozen scipy distribution
        Of the requests, those answered from the cache.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`; the cache's own machines are ``running``.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"

    share: Uncertain

    def _check(self) -> None:
        checked(self, "share", "share")

    def describe(self) -> str:
        """In plain words."""
        return self._told(f"{share_of(self.share, 'requests')}{{of}} are answered from a cache of one's own")

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Avoid requests."""
        rows = self._touched(flows, scene)
        share = self._drawn(scene, self.share, "share", "share")
        if not share.any():
            return flows
        stays, goes = part(share, self._come(scene))
        volume: IntArray = np.nonzero(rows & flows.volume)[0].astype(np.intp)
        billed: IntArray = np.nonzero(rows & ~flows.volume)[0].astype(np.intp)
        flows, avoided = flows.split(volume, stays, goes, {"provider": None, "model": AVOIDED})
        return self._judged(flows.times(billed, stays), scene, avoided, None)
