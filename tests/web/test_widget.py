from clinx.web import widget


def test_the_page_holds_the_button_and_nothing_else_runs_on_it():
    response = widget.page(name="Example AI", language="en", bot="example_bot", address="https://gw.example/x?state=s")

    body = response.body
    assert isinstance(body, bytes)
    text = body.decode()
    assert 'data-telegram-login="example_bot"' in text
    assert 'data-auth-url="https://gw.example/x?state=s"' in text
    assert text.count("<script") == 1
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        "script-src https://telegram.org",
        "frame-src https://oauth.telegram.org",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_words_of_the_tree_are_words_on_the_page():
    response = widget.page(name="<script>", language='"><b>', bot='"x', address="a&b'c")

    body = response.body
    assert isinstance(body, bytes)
    text = body.decode()
    assert "<h1>&lt;script&gt;</h1>" in text
    assert 'lang="&quot;&gt;&lt;b&gt;"' in text
    assert 'data-telegram-login="&quot;x"' in text
    assert 'data-auth-url="a&amp;b&#x27;c"' in text
