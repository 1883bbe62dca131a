from clinx.domain.ledger import Balance
from clinx.domain.money import Amount


def test_what_is_held_is_not_available():
    assert Balance(Amount(10), Amount(3)).available == Amount(7)
    assert Balance(Amount(10), Amount(3), leased=Amount(2)).available == Amount(5)
    assert Balance(Amount(-2), Amount(3)).available == Amount(-5)


def test_what_is_lent_may_be_spent():
    assert Balance(Amount(10), Amount(3), leased=Amount(2)).spendable == Amount(7)
