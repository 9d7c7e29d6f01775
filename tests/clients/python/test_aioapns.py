"""aioapns, unmodified, is told by the simulator what APNs would tell it."""

import asyncio
import time

import pytest
from sender import client, device, request, run

AT_ONCE = 2000


@pytest.mark.parametrize("token, status, description", [
    ("0a01", "200", None),
    ("dead01", "410", "Unregistered"),
    ("d1ff01", "400", "DeviceTokenNotForTopic"),
    ("0bad01", "400", "BadDeviceToken"),
    ("f10d01", "429", "TooManyRequests"),
    ("050301", "503", "ServiceUnavailable"),
])
def test_each_outcome(simulator, token, status, description):
    async def scenario():
        sender = client(simulator)
        asked = request(token)
        result = await sender.send_notification(asked)
        assert (result.status, result.description) == (status, description)
        assert result.is_successful == (status == "200")
        assert result.notification_id == asked.notification_id
        if status == "410":
            # Milliseconds; the simulator's dead tokens are so since a day.
            assert 0 < result.timestamp < time.time() * 1000
        sender.pool.close()

    run(scenario())


@pytest.mark.parametrize("identifier", ["6F9619FF-8B86-D011-B42D-00CF4FC964FF", "push-1"])
def test_an_id_that_is_refused_is_given_back(simulator, identifier):
    """aioapns finds its push by the id of the answer, and would fail at another."""
    async def scenario():
        sender = client(simulator)
        asked = request("0a01")
        asked.notification_id = identifier
        result = await asyncio.wait_for(sender.send_notification(asked), 10)
        assert (result.notification_id, result.status, result.description) == (identifier, "400", "BadMessageId")
        sender.pool.close()

    run(scenario())


def test_too_large_payload(simulator):
    async def scenario():
        sender = client(simulator)
        result = await sender.send_notification(request("0a01", "x" * 4096))
        assert (result.status, result.description) == ("413", "PayloadTooLarge")
        sender.pool.close()

    run(scenario())


def test_expired_provider_token(simulator):
    async def scenario():
        sender = client(simulator)
        assert (await sender.send_notification(request("0a01"))).is_successful
        simulator.expire_tokens()
        result = await sender.send_notification(request("0a02"))
        assert (result.status, result.description) == ("403", "ExpiredProviderToken")
        sender.pool.close()

    run(scenario())


def test_provider_token_that_the_clock_made_old(simulator):
    async def scenario():
        sender = client(simulator)
        simulator.forward("61m")
        result = await sender.send_notification(request("0a01"))
        assert (result.status, result.description) == ("403", "ExpiredProviderToken")
        sender.pool.close()

    run(scenario())


def test_two_thousand_at_once(simulator):
    async def scenario():
        sender = client(simulator)
        # aioapns opens 1,000 streams on a connection before it knows the limit, and never learns that one was refused. So
        # the limit, which APNs raises with the first good provider token, is there before the many are.
        assert (await sender.send_notification(request(device(AT_ONCE)))).is_successful
        results = await asyncio.gather(*(sender.send_notification(request(device(i))) for i in range(AT_ONCE)))
        assert [result.status for result in results] == ["200"] * AT_ONCE
        sender.pool.close()

    run(scenario())
    entries = simulator.wait(AT_ONCE + 1, service="apns_production", stage="settled")
    assert {entry["token"] for entry in entries} == {device(i) for i in range(AT_ONCE + 1)}
    assert all(entry["status"] == 200 for entry in entries)
