"""Fixed routes for operators and their tools: /-/health, /-/ready, /-/metrics, /-/revision, /-/channels, /-/reload."""

from __future__ import annotations

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from clinx.config.current import Current, ReloadState
from clinx.config.watch import Reloader
from clinx.domain.catalog import Channel
from clinx.routing.health import Health
from clinx.routing.overrides import Overlay
from clinx.routing.way import WayState
from clinx.telemetry.metrics import Metrics
from clinx.web.address import is_local
from clinx.web.peers import Peers


@dataclass(slots=True)
class Readiness:
    """Whether a load balancer should send requests here."""

    check_database: Callable[[], Awaitable[bool]]
    draining: bool = field(default=False)

    async def reasons(self) -> list[str]:
        """Return why not; empty when ready."""
        found = ["draining"] if self.draining else []
        if not await self.check_database():
            found.append("database")
        return found


@dataclass(frozen=True, slots=True)
class Ops:
    """The operators' routes. Health and readiness are public; the rest is for this machine or the ops token."""

    current: Current
    metrics: Metrics
    readiness: Readiness
    reloader: Reloader
    token: str
    overlay: Overlay
    ways: Health
    peers: Peers | None = field(default=None, kw_only=True)
    """The workers that share the port with this one."""
    node: str = field(default="", kw_only=True)
    """Who this is among them, as `clinx status` lists it."""

    def routes(self) -> Mapping[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.Response]]]:
        """Return the handlers by (method, path)."""
        reads = {
            "/-/health": self.health,
            "/-/ready": self.ready,
            "/-/metrics": self.render_metrics,
            "/-/revision": self.revision,
            "/-/channels": self.channels,
        }
        answers = {(method, path): handler for path, handler in reads.items() for method in ("GET", "HEAD")}
        return {**answers, ("POST", "/-/reload"): self.trigger_reload}

    async def health(self, _: web.BaseRequest) -> web.Response:
        """Say that the event loop turns."""
        return _json({"status": "ok"})

    async def ready(self, _: web.BaseRequest) -> web.Response:
        """Say whether requests are welcome, and if not, why."""
        reasons = await self.readiness.reasons()
        return _json({"status": "unready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200)

    async def render_metrics(self, request: web.BaseRequest) -> web.Response:
        """Write the Prometheus text format, for all workers that share the port."""
        self._admit(request)
        body = await (asyncio.to_thread(self.metrics.render) if self.peers is None else self.peers.render())
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def revision(self, request: web.BaseRequest) -> web.Response:
        """Say which revision is served, and what is wrong with the tree on disk if it is another."""
        self._admit(request)
        return _json(await self._revision())

    async def channels(self, request: web.BaseRequest) -> web.Response:
        """Say what is known of every channel: what the tree and overrides say, and how each way upstream is doing."""
        self._admit(request)
        ways: defaultdict[str, list[WayState]] = defaultdict(list)
        for way in self.ways.states():
            ways[way.channel].append(way)
        overrides = self._overrides()
        channels = self.current.generation.snapshot.channels.values()
        shown = [_channel(each, overrides.get(each.name, []), ways[each.name]) for each in channels]
        return _json({"node": self.node, "channels": shown})

    async def trigger_reload(self, request: web.BaseRequest) -> web.Response:
        """Look at the tree now; 200 when what is on disk is what is served, 409 with the reasons when not."""
        self._admit(request)
        ok = await self.reloader.reload()
        return _json(await self._revision(), 200 if ok else 409)

    async def _revision(self) -> dict[str, Any]:
        history = await asyncio.to_thread(self.reloader.history)
        revision, state = self.current.generation.snapshot.revision, self.current.state
        return {
            "revision": revision.id,
            "commit": revision.commit,
            "compiled_at": revision.at.isoformat(),
            "generations": self.current.alive,
            "last_reload": _reload(state),
            "trial": self.current.standing(),
            "history": history,
            "overrides": [each for found in self._overrides().values() for each in found],
        }

    def _overrides(self) -> dict[str, list[dict[str, Any]]]:
        """Return what is overridden, by channel."""
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for each in self.overlay.active():
            shown = {"id": each.id, "set": each.shown, "reason": each.reason, "actor": each.actor}
            found[each.channel].append({**shown, "at": each.at.isoformat(), "until": each.until.isoformat()})
        return found

    def _admit(self, request: web.BaseRequest) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.token and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode()):
            return
        if not is_local(request):
            raise web.HTTPForbidden(text="set CLINX_OPS_TOKEN and send it as a bearer token\n")


def _channel(channel: Channel, overrides: list[dict[str, Any]], ways: list[WayState]) -> dict[str, Any]:
    return {
        "name": channel.name,
        "provider": channel.provider.name,
        "groups": channel.groups,
        "models": sorted(channel.models),
        "priority": channel.priority,
        "weight": channel.weight,
        "tags": sorted(channel.tags),
        "overrides": overrides,
        "ways": [
            {
                "credential": way.credential,
                "model": way.model,
                "state": way.state,
                "cause": way.cause,
                "next_look_seconds": round(way.seconds, 3),
                "latency_seconds": round(way.latency, 4),
                "in_flight": way.in_flight,
                "is_current": way.manner == channel.manner,
            }
            for way in ways
        ],
    }


def _reload(state: ReloadState) -> dict[str, Any]:
    return {
        "ok": state.ok,
        "at": state.at.isoformat() if state.at else None,
        "revision": state.revision,
        "diagnostics": [str(diagnostic) for diagnostic in state.diagnostics],
        "error": state.error,
    }


def _json(value: object, status: int = 200) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, headers=headers, body=msgspec.json.encode(value) + b"\n")
