from clinx.payments.provider import PayPage


def test_a_page_is_one_address_to_open():
    assert PayPage("https://pay.example/submit.php", {"a": "1 2", "b": "é&"}).link == (
        "https://pay.example/submit.php?a=1+2&b=%C3%A9%26"
    )
    assert PayPage("https://pay.example/c/1").link == "https://pay.example/c/1"
