from clinx.storage.conditions import Conditions


def test_nothing_is_wanted_of_all():
    assert Conditions().where == ""


def test_placeholders_are_numbered_in_the_order_of_their_values():
    conditions = Conditions()
    conditions.add("kind = $?", "topup")
    conditions.add("(at, id) < ($?, $?)", 5, 7)

    limit = conditions.place(20)

    assert conditions.where == "WHERE kind = $1 AND (at, id) < ($2, $3)"
    assert limit == "$4"
    assert conditions.values == ["topup", 5, 7, 20]
