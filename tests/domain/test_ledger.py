from clinx.domain.ledger import Balance
from clinx.domain.money import Amount


def test_what_is_held_is_not_available():
    assert Balance(Amount(10), Amount(3)).available == Amount(7)
    assert Balance(Amount(-2), Amount(3)).available == Amount(-5)
