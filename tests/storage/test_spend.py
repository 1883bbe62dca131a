from clinx.domain.money import Amount
from clinx.storage import spend
from clinx.storage.database import Database
from clinx.storage.spend import Spend, SpendKey

KEY = SpendKey.of(1, 21_915, 7, "gpt-4o", "vip")
ELSE = SpendKey.of(1, 21_915, 7, None, None)


async def test_sums_are_added_to(database: Database):
    await database.atomically(spend.add([Spend(KEY, 1, Amount(5), 10, 20), Spend(ELSE, 2, Amount(6), 30, 40)]))
    await database.atomically(spend.add([Spend(KEY, 3, Amount(7), 1, 2)]))
    await database.atomically(spend.add([]))

    rows = await database.fetch(
        'SELECT user_id, day, token_id, model, "group", calls, charge, input_tokens, output_tokens FROM spend'
        " ORDER BY model"
    )
    assert rows == [
        (1, 21_915, 7, "", "", 2, 6, 30, 40),
        (1, 21_915, 7, "gpt-4o", "vip", 4, 12, 11, 22),
    ]


def test_a_key_is_storable_whatever_callers_wrote():
    assert SpendKey.of(1, 2, 3, "a\x00" + "x" * 999, "g" * 99) == SpendKey(1, 2, 3, "a\ufffd" + "x" * 253, "g" * 64)
