"""The simulators of FCM and of Google's token endpoint, judged by Google's own libraries."""

import asyncio
import json
import os
import socket
from pathlib import Path

import firebase_admin
import pytest
from conftest import CALL
from firebase_admin import credentials, exceptions, messaging
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

SCOPE = ["https://www.googleapis.com/auth/firebase.messaging"]
DIR = Path(os.environ["FANFARE_SIMULATOR"])
FACTS = json.loads((DIR / "simulator.json").read_text())["fcm"]
KEY = json.loads((DIR / "service-account.json").read_text())


@pytest.fixture(autouse=True)
def trust(monkeypatch):
    """The simulator's CA, as requests and httpx are told of it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(DIR / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(DIR / "ca.pem"))


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """A name that nobody redirected is not looked up: nothing leaves this machine."""
    resolve = socket.getaddrinfo

    def resolve_here(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        assert name in ("localhost", "127.0.0.1"), f"{name} is not of the simulator"
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", FACTS["origin"] + "/v1/projects/{0}/messages:send")
    app = firebase_admin.initialize_app(credentials.Certificate(KEY), {"httpTimeout": CALL}, name="cross")
    topics = f"{FACTS['origin']}/v1/projects/{FACTS['projects'][0]}/registrations"
    monkeypatch.setattr(messaging._get_messaging_service(app), "_fcm_topic_url", topics)
    yield app
    firebase_admin.delete_app(app)


def message(**fields):
    return messaging.Message(notification=messaging.Notification(title="Hello", body="World"), **fields)


def test_google_auth_gets_a_token():
    account = service_account.Credentials.from_service_account_info(KEY, scopes=SCOPE)
    account.refresh(Request())
    assert account.valid and account.token.startswith("ya29.")


def test_google_auth_is_refused_with_another_key():
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = service_account.Credentials.from_service_account_info({**KEY, "private_key": pem}, scopes=SCOPE)
    with pytest.raises(RefreshError) as raised:
        account.refresh(Request())
    assert raised.value.args[1]["error"] == "invalid_grant"
    assert raised.value.args[1]["error_description"] == "Invalid JWT Signature."


@pytest.mark.parametrize(("change", "error"), [
    ({"client_email": "nobody@example.com"}, "invalid_grant"),
    ({"private_key_id": "another"}, "invalid_grant"),
])
def test_google_auth_is_refused_as_somebody_else(change, error):
    account = service_account.Credentials.from_service_account_info({**KEY, **change}, scopes=SCOPE)
    with pytest.raises(RefreshError) as raised:
        account.refresh(Request())
    assert raised.value.args[1]["error"] == error


def test_google_auth_is_refused_a_scope_that_is_none():
    account = service_account.Credentials.from_service_account_info(KEY, scopes=["mail"])
    with pytest.raises(RefreshError) as raised:
        account.refresh(Request())
    assert raised.value.args[1]["error"] == "invalid_scope"


def test_google_auth_refreshes_a_user():
    facts = json.loads((DIR / "authorized-user.json").read_text())
    fields = {name: facts[name] for name in ("client_id", "client_secret", "token_uri", "refresh_token")}
    user = user_credentials.Credentials(token=None, **fields)
    user.refresh(Request())
    assert user.valid and user.token.startswith("ya29.")
    revoked = user_credentials.Credentials(token=None, **{**fields, "refresh_token": "1//revoked"})
    with pytest.raises(RefreshError) as raised:
        revoked.refresh(Request())
    assert raised.value.args[1]["error"] == "invalid_grant"


def test_google_auth_gets_a_token_from_the_metadata_server(monkeypatch):
    from google.auth.compute_engine import _metadata

    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", FACTS["metadata"].removeprefix("http://"))
    monkeypatch.setenv("GCE_METADATA_IP", FACTS["metadata"].removeprefix("http://"))
    monkeypatch.setattr(_metadata, "_GCE_DEFAULT_MDS_HOSTS", [FACTS["metadata"].removeprefix("http://")])
    assert _metadata.ping(Request())
    assert _metadata.get_project_id(Request()) == FACTS["projects"][0]
    token, _ = _metadata.get_service_account_token(Request())
    assert token.startswith("ya29.")


def test_a_message_is_delivered(app):
    name = messaging.send(message(token="ok:APA91b", data={"k": "v"}), app=app)
    assert name.startswith("projects/demo-project/messages/0:")


def test_an_installation_is_delivered_to(app):
    assert messaging.send(message(fid="cnYx3Lw0Q9aBcDeFgHiJkL"), app=app)


def test_a_message_with_every_part_is_delivered(app):
    full = message(
        token="ok:APA91b",
        android=messaging.AndroidConfig(
            collapse_key="c", priority="high", ttl=3600, data={"a": "b"},
            notification=messaging.AndroidNotification(
                title="t", icon="i", color="#ff0000", body_loc_key="b", body_loc_args=["x"], priority="max", visibility="public",
                vibrate_timings_millis=[100, 50], notification_count=3,
                light_settings=messaging.LightSettings("#00ff00", 100, 200),
            ),
        ),
        apns=messaging.APNSConfig(
            headers={"apns-priority": "5"},
            payload=messaging.APNSPayload(messaging.Aps(alert="a", badge=1, sound="default")),
        ),
        webpush=messaging.WebpushConfig(
            headers={"TTL": "60"}, notification=messaging.WebpushNotification(title="w"),
            fcm_options=messaging.WebpushFCMOptions(link="https://example.com"),
        ),
        fcm_options=messaging.FCMOptions(analytics_label="label"),
    )
    assert messaging.send(full, app=app)


@pytest.mark.parametrize(("word", "error"), [
    ("unregistered", messaging.UnregisteredError),
    ("unregistered-ios", messaging.UnregisteredError),
    ("mismatch", messaging.SenderIdMismatchError),
    ("ok.other-project", messaging.SenderIdMismatchError),
    ("quota", messaging.QuotaExceededError),
    ("apns-auth", messaging.ThirdPartyAuthError),
    ("invalid", exceptions.InvalidArgumentError),
    ("malformed", exceptions.InvalidArgumentError),
    ("disabled-api", exceptions.PermissionDeniedError),
    ("unauthenticated", exceptions.UnauthenticatedError),
    ("internal", exceptions.InternalError),
    ("page-502", exceptions.UnknownError),
])
def test_an_error_is_the_one_it_is(app, word, error):
    with pytest.raises(exceptions.FirebaseError) as raised:
        messaging.send(message(token=f"{word}:APA91b"), app=app)
    assert type(raised.value) is error, raised.value


def test_topics_and_conditions_are_taken(app):
    assert messaging.send(message(topic="news"), app=app)
    assert messaging.send(message(condition="'news' in topics && !('old' in topics)"), app=app)
    with pytest.raises(exceptions.InvalidArgumentError):
        messaging.send(message(condition="'news' in"), app=app)


def test_topics_are_subscribed_to(app):
    answer = messaging.subscribe_to_topic(["ok:1", "unregistered:2"], "news", app=app)
    assert (answer.success_count, answer.failure_count) == (1, 1)
    assert [(error.index, error.reason) for error in answer.errors] == [(1, "UNREGISTERED")]
    assert messaging.unsubscribe_from_topic(["ok:1"], "news", app=app).success_count == 1


def test_a_dry_run_is_checked_and_not_delivered(app):
    assert messaging.send(message(token="ok:APA91b"), dry_run=True, app=app)
    with pytest.raises(messaging.UnregisteredError):
        messaging.send(message(token="unregistered:APA91b"), dry_run=True, app=app)


def test_a_message_too_large_or_with_a_reserved_key_is_refused(app):
    for data in ({"k": "x" * 4096}, {"from": "x"}):
        with pytest.raises(exceptions.InvalidArgumentError):
            messaging.send(messaging.Message(token="ok:1", data=data), app=app)


def test_many_go_out_over_http2(app):
    messages = [message(token=f"ok:{n}") for n in range(50)] + [message(token="unregistered:1")]
    client = messaging._get_messaging_service(app)._async_client
    versions = set()

    async def note(response):
        versions.add(response.http_version)

    async def send():
        client._async_client.event_hooks["response"].append(note)
        try:
            return await messaging.send_each_async(messages, app=app)
        finally:
            # Its connections belong to this loop, which does not outlive the call.
            await client.aclose()

    answer = asyncio.run(send())
    assert (answer.success_count, answer.failure_count) == (50, 1)
    assert isinstance(answer.responses[-1].exception, messaging.UnregisteredError)
    assert versions == {"HTTP/2"}
