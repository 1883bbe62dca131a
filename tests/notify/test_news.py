from clinx.domain.console import Console, Language
from clinx.domain.letter import Letter
from clinx.domain.money import Amount
from clinx.mail.catalogue import check
from clinx.notify import news
from clinx.notify.news import News, Terms
from clinx.routing.circuit import Cause, State
from clinx.routing.way import Transition
from clinx.storage.low_balances import LowBalance

LOW = LowBalance(7, "Ann", "ann@example.org", None, Amount.parse("1.25"), Amount.parse("2"), None)


def test_news_of_a_channel_is_about_the_channel():
    transition = Transition("main", "0123abcd", "m" * 200, State.OPEN, Cause.REFUSED, 30.0, held=True)

    assert news.channel_opened(transition) == News(
        "channel_opened",
        "main",
        {"channel": "main", "credential": "0123abcd", "model": "m" * 100, "reason": "refused"},
    )


def test_a_cause_may_be_unknown():
    transition = Transition("main", "0123abcd", "m", State.OPEN, None, 30.0, held=False)

    assert news.channel_opened(transition).values["reason"] == "unknown"


def test_news_of_a_tree_is_about_its_revision_and_ends():
    told = news.reload_failed("r1", [f"a.yaml:{line}:1 E101 broken" for line in range(1, 31)])

    assert (told.kind, told.subject, told.values["revision"]) == ("reload_failed", "r1", "r1")
    lines = told.values["diagnostics"].split("\n")
    assert (lines[0], lines[19], lines[20:]) == ("a.yaml:1:1 E101 broken", "a.yaml:20:1 E101 broken", ["... 10 more"])


def test_a_tree_that_could_not_be_read_has_no_revision():
    assert news.reload_failed(None, ["gone"]) == News(
        "reload_failed", "", {"revision": "unknown", "diagnostics": "gone"}
    )


def test_news_of_a_balance_leads_to_the_console():
    told = news.low_balance(LOW, Terms(Console(url="https://console.example.com"), "USD"))

    assert told == News(
        "low_balance",
        "",
        {"name": "Ann", "balance": "1.25 USD", "threshold": "2 USD", "link": "https://console.example.com"},
    )
    assert news.low_balance(LOW, Terms(Console(), "USD")).values["link"] == ""


def test_there_is_a_letter_for_all_news():
    transition = Transition("main", "0123abcd", "m", State.OPEN, Cause.REFUSED, 30.0, held=True)
    for each in (
        news.channel_opened(transition),
        news.reload_failed(None, []),
        news.low_balance(LOW, Terms(Console(), "USD")),
    ):
        for language in Language:
            check(Letter("ops@example.com", each.kind, language, each.values))
