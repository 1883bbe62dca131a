from clinx.state import keys


def test_a_subject_cannot_be_spelled_to_look_like_another() -> None:
    assert keys.subject([("user", "7"), ("model", "a,user=8:x")]) == "user=7,model=a%2Cuser%3D8%3Ax"


def test_a_key_names_the_rule_and_whom_it_counts() -> None:
    assert keys.window("free", "tokens-fixed", 60_000, "user=7") == "clinx:window:free:tokens-fixed:60000:user=7"
    assert keys.slots("few", "token=1") == "clinx:slots:few:token=1"
    assert keys.purse("cap", "month", "") == "clinx:purse:cap:month:"
