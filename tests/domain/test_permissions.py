from clinx.domain.identity import Role
from clinx.domain.permissions import OWN, Permission, permissions_of


def test_everybody_may_see_and_change_what_is_their_own() -> None:
    for role in Role:
        assert permissions_of(role) >= OWN


def test_users_may_nothing_more() -> None:
    assert permissions_of(Role.USER) == OWN == {Permission.SELF_READ, Permission.SELF_WRITE}


def test_only_root_sets_roles() -> None:
    assert permissions_of(Role.ROOT) - permissions_of(Role.ADMIN) == {Permission.USER_SET_ROLE}


def test_root_may_everything() -> None:
    assert permissions_of(Role.ROOT) == set(Permission)


def test_a_permission_is_a_resource_and_an_action() -> None:
    for permission in Permission:
        resource, colon, action = permission.value.partition(":")
        assert resource, permission
        assert colon, permission
        assert action.replace("_", "").isalpha(), permission
