"""What SendPush answers: a verdict for every push; a status speaks of the call alone."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from conftest import BAD, CALL, DEAD, GOOD, SILENT, request, until
from fanfare.push.v1 import push_pb2 as pb
from google.rpc import error_details_pb2
from grpc_status import rpc_status

UUID_ID = "4F6D2B1E-9D0A-4C57-8A59-0D6A2F9B3C11"


def status(call):
    """The status of a call that fails, with its field and reason."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    bad_request, error_info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(raised.value).details:
        detail.Unpack(bad_request)
        detail.Unpack(error_info)
    assert error_info.domain == "push.fanfare.dev"
    fields = [violation.field for violation in bad_request.field_violations]
    return raised.value.code(), fields, error_info.reason


class TestVerdicts:
    def test_a_good_token_is_accepted(self, send):
        result = send(id="order-17")
        assert result.outcome == pb.OUTCOME_ACCEPTED
        assert result.delivery == pb.DELIVERY_ACCEPTED
        assert result.token_action == pb.TOKEN_ACTION_KEEP
        assert result.reason == pb.REASON_UNSPECIFIED
        assert result.provider == pb.PROVIDER_APNS
        assert (result.id, result.index, result.attempts) == ("order-17", 0, 1)
        assert (result.upstream_status, result.upstream_reason) == (200, "")
        assert not result.retryable
        assert not result.HasField("token_invalid_since")

    def test_a_dead_token_is_to_be_deleted(self, send):
        result = send(token=DEAD)
        assert result.outcome == pb.OUTCOME_UNREGISTERED
        assert result.delivery == pb.DELIVERY_NO
        assert result.token_action == pb.TOKEN_ACTION_DELETE
        assert result.reason == pb.REASON_UPSTREAM_ANSWERED
        assert (result.upstream_status, result.upstream_reason) == (410, "Unregistered")
        assert not result.retryable
        gone = time.time() - result.token_invalid_since.ToSeconds()
        assert abs(gone - 24 * 3600) < 600, "since a day ago"

    def test_a_token_that_apns_does_not_know_is_invalid(self, send):
        result = send(token=BAD)
        assert result.outcome == pb.OUTCOME_INVALID_TOKEN
        assert result.delivery == pb.DELIVERY_NO
        assert result.token_action == pb.TOKEN_ACTION_DELETE
        assert (result.upstream_status, result.upstream_reason) == (400, "BadDeviceToken")

    def test_a_topic_of_another_app_is_refused(self, send):
        result = send(target={"apns": {"token": GOOD, "topic": "com.example.other"}})
        assert result.outcome == pb.OUTCOME_INVALID_PUSH
        assert result.reason == pb.REASON_TOPIC_NOT_ALLOWED
        assert (result.field, result.attempts, result.upstream_status) == ("target.apns.topic", 0, 0)

    @pytest.mark.parametrize(("size", "outcome"), [
        (4096, pb.OUTCOME_ACCEPTED), (4097, pb.OUTCOME_PAYLOAD_TOO_LARGE),
    ])
    def test_a_payload_may_have_4096_bytes(self, send, size, outcome):
        head, tail = '{"aps":{"alert":"', '"}}'
        payload = head + "x" * (size - len(head) - len(tail)) + tail
        assert len(payload) == size
        result = send(content={"apns": {"payload_json": payload}})
        assert result.outcome == outcome, result.detail
        if outcome == pb.OUTCOME_PAYLOAD_TOO_LARGE:
            assert result.reason == pb.REASON_PAYLOAD_OVER_LIMIT
            assert result.attempts == 0, "it was not sent"

    def test_a_dry_run_sends_nothing(self, send):
        result = send(token=DEAD, options={"dry_run": True})
        assert (result.outcome, result.attempts) == (pb.OUTCOME_VALIDATED, 0)

    def test_200_calls_at_once_are_accepted(self, send):
        tokens = [f"600d{n:060x}" for n in range(200)]
        with ThreadPoolExecutor(200) as threads:
            results = list(threads.map(lambda token: send(token=token, id=token), tokens))
        assert [result.outcome for result in results] == [pb.OUTCOME_ACCEPTED] * 200
        assert [result.id for result in results] == tokens


class TestIds:
    def test_a_uuid_is_the_apns_id_in_lower_case(self, send):
        result = send(id=UUID_ID)
        assert (result.id, result.upstream_id) == (UUID_ID, UUID_ID.lower())

    def test_another_id_becomes_a_uuid_that_stays(self, send):
        results = [send(id="order-17"), send(id="order-17"), send(id="order-18")]
        first, again, other = (uuid.UUID(result.upstream_id) for result in results)
        assert first == again != other
        assert (first.version, first.variant) == (5, uuid.RFC_4122)

    def test_an_absent_id_is_made(self, send):
        result = send()
        assert uuid.UUID(result.id) == uuid.UUID(result.upstream_id)


class TestWhatIsWrongWithAPush:
    """A result, as all else that becomes of a push; findings.json has more of them."""

    @staticmethod
    def of(result):
        assert (result.delivery, result.attempts, result.retryable) == (pb.DELIVERY_NO, 0, False)
        return result.outcome, result.field, result.reason

    @pytest.mark.parametrize("token", ["not hexadecimal", "abc"])
    def test_a_malformed_token(self, send, token):
        expected = (pb.OUTCOME_INVALID_TOKEN, "target.apns.token", pb.REASON_FIELD_INVALID)
        assert self.of(send(token=token)) == expected

    def test_a_provider_that_the_app_does_not_have(self, send):
        expected = (pb.OUTCOME_INVALID_PUSH, "target", pb.REASON_PROVIDER_NOT_CONFIGURED)
        assert self.of(send(app="chat")) == expected

    def test_no_content(self, send):
        assert self.of(send(content={})) == (pb.OUTCOME_INVALID_PUSH, "content", pb.REASON_FIELD_REQUIRED)

    @pytest.mark.parametrize("payload", ["no JSON", "[1]", '{"aps":', "7"])
    def test_a_raw_payload_that_is_no_json_object(self, send, payload):
        expected = (pb.OUTCOME_INVALID_PUSH, "content.apns.payload_json", pb.REASON_RAW_BODY_INVALID)
        assert self.of(send(content={"apns": {"payload_json": payload}})) == expected

    @pytest.mark.parametrize(("name", "reason"), [
        ("x" * 129, pb.REASON_FIELD_TOO_LARGE), ("a b", pb.REASON_FIELD_INVALID), ("ü", pb.REASON_FIELD_INVALID),
    ])
    def test_a_bad_id_comes_back_as_far_as_an_id_may_go(self, send, name, reason):
        result = send(id=name)
        assert self.of(result) == (pb.OUTCOME_INVALID_PUSH, "id", reason)
        assert result.id == name[:128]


class TestStatuses:
    def test_a_call_without_a_push(self, stub):
        expected = (grpc.StatusCode.INVALID_ARGUMENT, ["push"], "FIELD_REQUIRED")
        assert status(lambda: stub.SendPush(pb.SendPushRequest(), timeout=CALL)) == expected


class TestDeadlines:
    def test_the_verdict_comes_before_the_deadline(self, send):
        begun = time.monotonic()
        result = send(token=SILENT, timeout=0.3)
        assert time.monotonic() - begun < 0.3
        assert result.outcome == pb.OUTCOME_UNCONFIRMED
        assert result.delivery == pb.DELIVERY_MAYBE
        assert result.token_action == pb.TOKEN_ACTION_KEEP
        assert result.reason == pb.REASON_ANSWER_TIMEOUT
        assert (result.attempts, result.retryable) == (1, True)

    def test_max_wait_counts_as_the_deadline_does(self, send):
        begun = time.monotonic()
        result = send(token=SILENT, options={"max_wait": {"nanos": 200_000_000}})
        assert 0.15 < time.monotonic() - begun < 5
        assert result.outcome == pb.OUTCOME_UNCONFIRMED

    def test_cancelled_calls_give_back_their_room_when_upstream_is_done_with_them(
        self, stub, send, metric, orphans
    ):
        # Of earlier tests, which may have opened the breaker for a moment.
        until(lambda: metric("fanfare_pushes_in_flight") == 0)
        until(lambda: send().outcome == pb.OUTCOME_ACCEPTED)
        calls = [stub.SendPush.future(request(token=SILENT), timeout=CALL) for _ in range(20)]
        until(lambda: metric("fanfare_pushes_in_flight") == 20)
        assert all(call.cancel() for call in calls)
        until(lambda: orphans() == 20)
        assert metric("fanfare_pushes_in_flight") == 20
        until(lambda: metric("fanfare_pushes_in_flight") == 0)
        # So many that are not answered may have opened the breaker for a moment.
        until(lambda: send().outcome == pb.OUTCOME_ACCEPTED)
