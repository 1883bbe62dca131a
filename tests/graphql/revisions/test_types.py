from __future__ import annotations

from datetime import timedelta

from clinx.domain.revision import Rejection, Served, Standing
from clinx.storage import revisions
from support.station import NODE, Station

CONFIG = """{ config { revision commit currency node isExample generations trial { revision }
  lastLook { ok revision error diagnostics { file line column code message hint isError } }
  workers { node host revision ok isAlive answers diagnostics trial { revision share calls otherFailures } }
  rejections { revision instead reason actor }
  overrides { channel }
} }"""


async def test_what_is_served_is_told(station: Station) -> None:
    served = station.current.snapshot.revision.id

    data = await station.data(CONFIG, await station.viewer())

    assert data["config"] == {
        "revision": served,
        "commit": None,
        "currency": "USD",
        "node": NODE,
        "isExample": False,
        "generations": 1,
        "trial": None,
        "lastLook": {"ok": True, "revision": served, "error": None, "diagnostics": []},
        "workers": [],
        "rejections": [],
        "overrides": [],
    }


async def test_a_tree_that_does_not_load_is_told_with_its_findings(station: Station) -> None:
    served = station.current.snapshot.revision.id
    station.write("gateway.yaml", "version: 1\nnonsense: 1\n")
    await station.reloader.reload()

    config = (await station.data(CONFIG, await station.viewer()))["config"]

    assert (config["revision"], config["lastLook"]["ok"]) == (served, False)
    [first, *_] = config["lastLook"]["diagnostics"]
    assert {**first, "message": None, "hint": None} == {
        "file": "gateway.yaml",
        "line": 2,
        "column": 1,
        "code": "E301",
        "message": None,
        "hint": None,
        "isError": True,
    }


async def test_every_process_is_told_of_as_it_said_last(station: Station) -> None:
    now = station.clock.now()
    trial = Standing("new", "10%", now, now + timedelta(minutes=10), 5, 1, 50, 2)
    for node, seen, standing in ((NODE, now, trial), ("node_silent", now - timedelta(hours=1), None)):
        said = Served(node, "host", "http://h", "old", None, now, True, "new", (), None, seen, standing)
        await station.database.atomically(revisions.publish(said))

    config = (await station.data(CONFIG, await station.viewer()))["config"]

    assert [(each["node"], each["isAlive"], each["answers"], each["trial"]) for each in config["workers"]] == [
        ("node_silent", False, False, None),
        (NODE, True, True, {"revision": "new", "share": "10%", "calls": 5, "otherFailures": 2}),
    ]


async def test_what_is_rejected_is_told(station: Station) -> None:
    await station.database.atomically(revisions.reject(Rejection("a", "b", "why", "me", station.clock.now())))

    config = (await station.data(CONFIG, await station.viewer()))["config"]

    assert config["rejections"] == [{"revision": "a", "instead": "b", "reason": "why", "actor": "me"}]
