"""What SendBatch answers: a verdict for every item, whatever becomes of the others."""

import os
import threading
import time
from collections import Counter

import grpc
import pytest
from conftest import BAD, CALL, DEAD, GOOD, SILENT, request, until
from fanfare.push.v1 import push_pb2 as pb


def push(token=GOOD, **fields):
    return request(token, **fields).push


def multicast(tokens, **fields):
    addressees = [{"id": f"{n}-{token[:4]}", "target": {"apns": {"token": token}}} for n, token in enumerate(tokens)]
    return pb.Multicast(addressees=addressees, content={"notification": {"title": "Hello"}}, **fields)


@pytest.fixture
def batch(stub):
    """Sends the messages of a stream; gives its results in the order of the items, and its last progress."""

    def batch(*messages, timeout=CALL):
        answers = list(stub.SendBatch(iter(messages), timeout=timeout))
        results = [result for answer in answers for result in answer.results]
        assert len({result.index for result in results}) == len(results), "no item has two verdicts"
        assert all(len(answer.results) <= 256 for answer in answers)
        assert answers[-1].HasField("progress"), "the last message says how far the stream came"
        return sorted(results, key=lambda result: result.index), answers[-1].progress

    return batch


def counts(progress):
    return {settled.outcome: settled.count for settled in progress.settled if settled.count}


def resident():
    """The gateway's resident memory, in KiB."""
    status = open(f"/proc/{os.environ['FANFARE_GATEWAY_PID']}/status").read()
    return int(status.split("VmRSS:")[1].split()[0])


def test_every_item_has_its_verdict(batch):
    tokens = [GOOD] * 500
    tokens[10], tokens[499], tokens[250] = DEAD, DEAD, BAD
    pushes = [push(token, id=f"n-{index}") for index, token in enumerate(tokens)]
    messages = [pb.SendBatchRequest(pushes=pushes[at : at + 7]) for at in range(0, 500, 7)]
    results, progress = batch(*messages)
    expected = {GOOD: pb.OUTCOME_ACCEPTED, DEAD: pb.OUTCOME_UNREGISTERED, BAD: pb.OUTCOME_INVALID_TOKEN}
    assert [result.index for result in results] == list(range(500))
    assert [result.id for result in results] == [push.id for push in pushes]
    assert [result.outcome for result in results] == [expected[token] for token in tokens]
    assert progress.items_read == 500
    assert counts(progress) == Counter(result.outcome for result in results)


def test_items_are_numbered_pushes_first_then_addressees(batch):
    message = pb.SendBatchRequest(
        multicasts=[multicast([GOOD, DEAD], app="demo"), multicast([GOOD], app="demo")],
        pushes=[push(id="a"), push(id="b")],
    )
    results, progress = batch(message, pb.SendBatchRequest(pushes=[push(id="c")]))
    assert [result.id for result in results] == ["a", "b", "0-600d", "1-dead", "0-600d", "c"]
    assert results[3].outcome == pb.OUTCOME_UNREGISTERED
    assert progress.items_read == 6


def test_the_stream_may_name_the_app(batch):
    results, _ = batch(pb.SendBatchRequest(
        options={"app": "demo"}, pushes=[push(app=""), push(app="nobody")], multicasts=[multicast([GOOD])],
    ))
    assert [result.outcome for result in results] == [
        pb.OUTCOME_ACCEPTED, pb.OUTCOME_INVALID_PUSH, pb.OUTCOME_ACCEPTED,
    ]
    assert (results[1].reason, results[1].field) == (pb.REASON_APP_UNKNOWN, "app")


def test_an_item_that_cannot_be_sent_is_a_result_and_the_stream_goes_on(batch):
    results, progress = batch(pb.SendBatchRequest(pushes=[
        push("not hexadecimal", id="bad"), push(content={}), push(id="good"),
        push(content={"apns": {"payload_json": "no JSON"}}),
    ]))
    assert [(result.outcome, result.field, result.attempts) for result in results] == [
        (pb.OUTCOME_INVALID_TOKEN, "target.apns.token", 0),
        (pb.OUTCOME_INVALID_PUSH, "content", 0),
        (pb.OUTCOME_ACCEPTED, "", 1),
        (pb.OUTCOME_INVALID_PUSH, "content.apns.payload_json", 0),
    ]
    assert [result.id for result in results[0:3:2]] == ["bad", "good"]
    assert progress.items_read == 4


def test_a_multicast_has_at_most_1000_addressees(batch):
    results, _ = batch(pb.SendBatchRequest(multicasts=[
        multicast([GOOD] * 1000, app="demo"), multicast([GOOD] * 1001, app="demo"),
    ]))
    assert len(results) == 2001
    assert {result.outcome for result in results[:1000]} == {pb.OUTCOME_ACCEPTED}
    assert {(result.reason, result.field) for result in results[1000:]} == {
        (pb.REASON_FIELD_TOO_LARGE, "addressees"),
    }


def test_an_empty_stream_ends_well(batch):
    results, progress = batch(pb.SendBatchRequest())
    assert (results, progress.items_read) == ([], 0)
    results, progress = batch()
    assert (results, progress.items_read) == ([], 0)


def test_options_come_first_or_not_at_all(stub):
    messages = [pb.SendBatchRequest(pushes=[push()]), pb.SendBatchRequest(options={"app": "demo"}, pushes=[push()])]
    answers, results = stub.SendBatch(iter(messages), timeout=CALL), []
    with pytest.raises(grpc.RpcError) as raised:
        for answer in answers:
            results += answer.results
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert [result.outcome for result in results] == [pb.OUTCOME_ACCEPTED], "what was read before has its verdict"


def test_a_sender_may_read_only_problems_and_only_at_the_end(stub):
    written = threading.Event()

    def messages():
        options = pb.BatchOptions(app="demo", results=pb.RESULT_SELECTION_PROBLEMS_ONLY)
        yield pb.SendBatchRequest(options=options)
        for _ in range(20):
            yield pb.SendBatchRequest(multicasts=[multicast([GOOD] * 499 + [DEAD])])
        written.set()

    answers = stub.SendBatch(messages(), timeout=CALL)
    assert written.wait(CALL), "writing came to an end though nobody read"
    answers = list(answers)
    results = [result for answer in answers for result in answer.results]
    assert {result.outcome for result in results} == {pb.OUTCOME_UNREGISTERED}
    assert counts(answers[-1].progress) == {pb.OUTCOME_ACCEPTED: 9980, pb.OUTCOME_UNREGISTERED: len(results)}
    assert len(results) == 20


def test_eight_readers_that_stall_stop_only_themselves(stub, send, capsys):
    def messages():
        while True:
            yield pb.SendBatchRequest(multicasts=[multicast([GOOD] * 1000, app="demo")])

    before = resident()
    stalled = [stub.SendBatch(messages(), timeout=CALL) for _ in range(8)]
    for stream in stalled:
        next(stream)
    # On the same connection.
    for _ in range(100):
        assert send(timeout=5).outcome == pb.OUTCOME_ACCEPTED
    during = resident()
    with capsys.disabled():
        print(f"\nresident before eight stalled readers {before} KiB, with them {during} KiB")
    # Eight windows of 4,096 items of 8 KiB.
    assert during - before <= 8 * 4096 * 8
    for stream in stalled:
        stream.cancel()


def test_verdicts_come_in_completion_order(stub):
    pushes = [push(SILENT, options={"max_wait": {"nanos": 500_000_000}}), push()]
    results = [
        result
        for answer in stub.SendBatch(iter([pb.SendBatchRequest(pushes=pushes)]), timeout=CALL)
        for result in answer.results
    ]
    assert [(result.index, result.outcome) for result in results] == [
        (1, pb.OUTCOME_ACCEPTED), (0, pb.OUTCOME_UNCONFIRMED),
    ]


def test_a_stream_ends_well_before_its_deadline(batch):
    begun = time.monotonic()
    results, progress = batch(pb.SendBatchRequest(pushes=[push(SILENT)] * 50), timeout=2)
    assert time.monotonic() - begun < 2
    assert {result.outcome for result in results} == {pb.OUTCOME_UNCONFIRMED}
    assert (len(results), progress.items_read) == (50, 50)


def test_a_cancelled_stream_gives_back_its_room_when_upstream_is_done_with_it(stub, send, metric, orphans):
    # Of earlier tests, which may have opened the breaker for a moment.
    until(lambda: metric("fanfare_pushes_in_flight") == 0)
    until(lambda: send().outcome == pb.OUTCOME_ACCEPTED)
    stream = stub.SendBatch(iter([pb.SendBatchRequest(pushes=[push(SILENT)] * 100)]), timeout=CALL)
    until(lambda: metric("fanfare_pushes_in_flight") == 100)
    stream.cancel()
    until(lambda: orphans() == 100)
    assert metric("fanfare_pushes_in_flight") == 100
    until(lambda: metric("fanfare_pushes_in_flight") == 0)
    # So many that are not answered may have opened the breaker for a moment.
    until(lambda: send().outcome == pb.OUTCOME_ACCEPTED)


def hundred_thousand():
    """Device tokens of mixed fates: one in ten is dead, one in ten is malformed for APNs."""
    prefixes = {3: "dead", 7: "0bad"}
    return [f"{prefixes.get(n % 10, '600d')}{n:060x}" for n in range(100_000)]


OUTCOMES = {"dead": pb.OUTCOME_UNREGISTERED, "0bad": pb.OUTCOME_INVALID_TOKEN, "600d": pb.OUTCOME_ACCEPTED}


@pytest.mark.timeout(180)
def test_a_hundred_thousand_items_read_while_they_are_written(stub):
    tokens = hundred_thousand()
    messages = (
        pb.SendBatchRequest(pushes=[push(token, id=token[-12:]) for token in tokens[at : at + 100]])
        for at in range(0, len(tokens), 100)
    )
    seen = {}
    for answer in stub.SendBatch(messages, timeout=170):
        for result in answer.results:
            assert result.index not in seen
            seen[result.index] = result.id, result.outcome
    assert len(seen) == len(tokens)
    for index, token in enumerate(tokens):
        assert seen[index] == (token[-12:], OUTCOMES[token[:4]])
    assert answer.progress.items_read == len(tokens)


@pytest.mark.timeout(180)
def test_a_hundred_thousand_items_written_before_any_is_read(stub):
    tokens = hundred_thousand()
    # Of the problems: results that nobody reads yet hold their place in the window.
    few = [token if n % 100 == 3 else f"600d{n:060x}" for n, token in enumerate(tokens)]
    written = threading.Event()

    def messages():
        yield pb.SendBatchRequest(options={"app": "demo", "results": pb.RESULT_SELECTION_PROBLEMS_ONLY})
        for at in range(0, len(few), 1000):
            yield pb.SendBatchRequest(multicasts=[multicast(few[at : at + 1000])])
        written.set()

    stream = stub.SendBatch(messages(), timeout=170)
    assert written.wait(160)
    answers = list(stream)
    problems = {result.index: result.outcome for answer in answers for result in answer.results}
    assert problems == {n: pb.OUTCOME_UNREGISTERED for n in range(3, len(few), 100)}
    assert counts(answers[-1].progress) == {pb.OUTCOME_ACCEPTED: 99_000, pb.OUTCOME_UNREGISTERED: 1_000}


@pytest.mark.timeout(300)
def test_a_million_items_leave_memory_flat(stub, capsys):
    addressees = [{"target": {"apns": {"token": f"600d{n:060x}"}}} for n in range(1000)]
    message = pb.SendBatchRequest(
        multicasts=[pb.Multicast(app="demo", content={"notification": {"title": "Hello"}}, addressees=addressees)]
    )
    results, early = 0, None
    for answer in stub.SendBatch((message for _ in range(1000)), timeout=290):
        results += len(answer.results)
        if early is None and results >= 100_000:
            early = resident()
    late = resident()
    with capsys.disabled():
        print(f"\nresident after 100,000 items {early} KiB, after 1,000,000 {late} KiB")
    assert (results, answer.progress.items_read) == (1_000_000, 1_000_000)
    # A window's worth: 4,096 items of 8 KiB.
    assert late - early <= 4096 * 8
