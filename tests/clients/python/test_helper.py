"""What the helper of examples/testing does beside what the outage needs."""

import pytest
from fanfare_simulator import Problem, Simulator
from sender import client, request, run


def send(simulator, token):
    async def scenario():
        sender = client(simulator)
        result = await sender.send_notification(request(token))
        sender.pool.close()
        return result

    return run(scenario())


def test_a_fate_is_set_and_the_journal_is_cleared(simulator):
    simulator.fate("apns", "0a01", {"like": "dead"})
    assert send(simulator, "0a01").description == "Unregistered"
    simulator.clear_journal()
    assert simulator.journal() == []


def test_one_that_does_not_start_says_why():
    with pytest.raises(RuntimeError, match="--nonsense"):
        Simulator("--nonsense")


def test_what_cannot_be_done_is_told(simulator):
    with pytest.raises(Problem, match='"field"'):
        simulator.fault({"refuse": "nothing"})


def test_a_wait_that_is_over_says_what_it_waited_for(simulator):
    with pytest.raises(TimeoutError, match="fewer than 1 entries"):
        simulator.wait(1, "10ms", service="fcm")
