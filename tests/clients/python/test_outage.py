"""The same outage is in outage_test.go, outage.test.mjs and OutageTest.java."""

import asyncio
from collections import Counter

import pytest
from sender import client, device, outcomes, request, run


def test_outage(simulator):
    run(outage(simulator))


async def outage(simulator):
    sender = client(simulator)

    async def good(numbers):
        for number in numbers:
            assert (await sender.send_notification(request(device(number)))).is_successful

    await good(range(50))
    arrived = simulator.wait(50, service="apns_production", stage="settled")
    assert [entry["token"] for entry in arrived] == [device(number) for number in range(50)]

    # A burst of 503.
    simulator.fault({"refuse": "unavailable"}, times=5)
    for number in range(50, 55):
        result = await sender.send_notification(request(device(number)))
        assert (result.status, result.description) == ("503", "ServiceUnavailable")
        assert outcomes(simulator, device(number)) == [("answered", 503, False)]

    # GOAWAY whose last id is below that of the push: aioapns sends it again on a new connection.
    simulator.fault({"goaway": {"last": "before_this", "reason": "Shutdown"}})
    await good([55])
    assert outcomes(simulator, device(55)) == [("excluded", None, False), ("answered", 200, True)]

    # A stall: the push is read and never answered, so the caller's own deadline ends it.
    simulator.fault("silence")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(sender.send_notification(request(device(56))), 0.5)
    assert outcomes(simulator, device(56)) == [("unanswered", None, True)]

    simulator.clear_faults()
    await good(range(57, 107))
    # One push was sent twice, 5 were refused, and one was never answered.
    entries = simulator.wait(108, service="apns_production")
    assert Counter((entry["outcome"], entry["status"]) for entry in entries) == {
        ("answered", 200): 101, ("answered", 503): 5, ("excluded", None): 1, ("unanswered", None): 1,
    }
    sender.pool.close()
