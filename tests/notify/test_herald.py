from clinx.notify.herald import Herald
from clinx.routing.circuit import Cause, State
from clinx.routing.way import Transition
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor
from support.database import Clock
from support.notifying import Posts
from support.webhook_site import WebhookSite, is_signed


async def test_what_is_heard_before_the_start_is_said_after_it(database: Database, clock: Clock, site: WebhookSite):
    posts = Posts(clock, None)
    posts.tell(webhook=site.hook())
    herald = Herald(database, posts.postman, posts.courier, posts.terms, lambda _id, _text: None, now=clock.now)
    herald.operators.opened(Transition("main", "0123abcd", "gpt-4o", State.OPEN, Cause.BROKEN, 30.0, held=False))
    supervisor = Supervisor()
    herald.start(supervisor)
    await herald.drain(10)
    await supervisor.close()

    (posted,) = site.received
    assert is_signed(posted)
    assert posted.json["title"] == "Example AI: channel main is not used for now"
    assert posted.json["details"]["reason"] == "broken"
