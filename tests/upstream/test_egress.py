from __future__ import annotations

import errno
import ipaddress
import socket

import pytest

from clinx.upstream.egress import Egress, EgressRefused


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "4000::1",
    ],
)
def test_no_model_is_served_from_there(host: str) -> None:
    with pytest.raises(EgressRefused) as caught:
        Egress().check(host)

    assert caught.value.address == host
    assert caught.value.errno == errno.EACCES


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "10.0.0.7", "192.168.1.1", "172.16.0.1", "fd12::1"],
)
def test_operators_run_models_on_loopback_and_private_networks(host: str) -> None:
    Egress().check(host)


@pytest.mark.parametrize("host", ["104.18.7.192", "2606:4700::6812:7c0", "64:ff9b::6812:7c0"])
def test_public_addresses_are_reached(host: str) -> None:
    Egress().check(host)


def test_an_exception_opens_exactly_its_network() -> None:
    egress = Egress([ipaddress.ip_network("169.254.10.0/24")])

    egress.check("169.254.10.1")
    egress.check("::ffff:169.254.10.1")
    with pytest.raises(EgressRefused):
        egress.check("169.254.169.254")


def test_the_socket_is_made_for_the_address_that_was_checked() -> None:
    stream = (socket.AF_INET, socket.SOCK_STREAM, 0, "")

    with Egress().open((*stream, ("127.0.0.1", 80))) as opened:
        assert (opened.family, opened.type) == (socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(EgressRefused):
        Egress().open((*stream, ("169.254.169.254", 80)))
