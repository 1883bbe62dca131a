from clinx.graphql.permissions import Permission
from support.operations import RIGHT, Api

REQUEST = """
mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { done errors { code } } }"""
RESET = "mutation ($input: PasswordResetInput!) { passwordReset(input: $input) { done errors { code } } }"
CHANGE = "mutation ($input: PasswordChangeInput!) { passwordChange(input: $input) { done errors { code } } }"
NEW = "battery staple"


async def test_who_forgot_a_password_chooses_another_by_letter(api: Api):
    ann = await api.user("ann", password=RIGHT, email="ann@example.org")
    await api.visit(ann)

    await api.do(None, REQUEST, input={"email": "Ann@example.org"})
    secret = api.box.secret()
    assert await api.failed(None, RESET, input={"secret": secret, "password": "short"}) == "password_invalid"
    await api.do(None, RESET, input={"secret": secret, "password": NEW})

    ann = await api.current(ann)
    assert await api.accounts.passwords.is_right(ann, NEW)
    assert await api.accounts.sessions.of_user(ann) == []
    assert await api.failed(None, RESET, input={"secret": secret, "password": NEW}) == "challenge_refused"


async def test_nobody_is_told_whether_there_is_an_account(api: Api):
    await api.user("ann", email="ann@example.org")

    known = await api.do(None, REQUEST, input={"email": "ann@example.org"})
    unknown = await api.do(None, REQUEST, input={"email": "nobody@example.org"})

    assert known == unknown == {"done": True, "errors": []}
    assert [letter.to for letter in api.box.letters] == ["ann@example.org"]
    assert await api.failed(None, REQUEST, input={"email": "nobody@example.org"}) == "too_many_attempts"


async def test_without_mail_nothing_is_sent(api: Api):
    api.set(mail=None)

    assert await api.failed(None, REQUEST, input={"email": "ann@example.org"}) == "not_offered"


async def test_who_knows_the_old_one_chooses_another(api: Api):
    ann = await api.user("ann", password=RIGHT)
    context, _ = await api.visit(ann), await api.visit(ann)

    assert await api.failed(context, CHANGE, input={"old": "wrong", "new": NEW}) == "sign_in_refused"
    assert await api.failed(context, CHANGE, input={"old": RIGHT, "new": "ann"}) == "password_invalid"
    assert await api.accounts.passwords.is_right(ann, RIGHT)
    await api.do(context, CHANGE, input={"old": RIGHT, "new": NEW})

    assert await api.accounts.passwords.is_right(ann, NEW)
    assert [each.id for each in await api.accounts.sessions.of_user(ann)] == [context.signed_in.session]


async def test_who_has_just_proved_who_they_are_needs_no_old_one(api: Api):
    ann = await api.user("ann")
    context = await api.visit(ann)

    await api.do(context, CHANGE, input={"new": NEW})
    assert await api.accounts.passwords.is_right(ann, NEW)
    api.clock.advance(601)
    assert await api.failed(context, CHANGE, input={"new": RIGHT}) == "step_up_required"


async def test_a_password_is_changed_by_a_person(api: Api):
    ann = await api.user("ann", password=RIGHT)

    asked = {"old": RIGHT, "new": NEW}
    assert await api.refused(api.by_key(ann, Permission.SELF_WRITE), CHANGE, input=asked) == "session_required"
    assert await api.refused(None, CHANGE, input=asked) == "unauthenticated"
    assert await api.accounts.passwords.is_right(ann, RIGHT)
