"""The simulator of browsers' push services, judged by pywebpush, which encrypts and signs on its own."""

import base64
import json
import os
from pathlib import Path

import http_ece
import pytest
import requests
from conftest import CALL
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

DIR = Path(os.environ["FANFARE_SIMULATOR"])
KEY = str(DIR / "vapid.pem")
VENDORS = ["mozilla", "google", "apple", "microsoft"]


@pytest.fixture(autouse=True)
def trust(monkeypatch):
    """The simulator's CA, as requests is told of it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(DIR / "ca.pem"))


def subscription(name):
    return json.loads((DIR / "subscriptions" / f"{name}.json").read_text())


def send(to, data="hello", key=KEY, ttl=60, claims=None, **more):
    claims = {"sub": "mailto:ops@example.com", **(claims or {})}
    return webpush(to, data, vapid_private_key=key, vapid_claims=claims, ttl=ttl, timeout=CALL, **more)


def refused(*args, **kwargs):
    with pytest.raises(WebPushException) as raised:
        send(*args, **kwargs)
    return raised.value.response


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_encrypted_is_taken(vendor):
    to = subscription(f"{vendor}-good")
    assert send(to, "When I grow up, I want to be a watermelon").status_code == 201
    assert send(to, "x" * 3993).status_code == 201
    assert send(to, "now", headers={"Urgency": "high", "Topic": "t" * 32}).status_code == 201


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_encrypted_for_another_is_refused(vendor):
    to = {**subscription(f"{vendor}-good"), "keys": subscription("mozilla-late")["keys"]}
    assert refused(to).status_code == 400


@pytest.mark.parametrize(("vendor", "status"), [("mozilla", 401), ("google", 403), ("apple", 400), ("microsoft", 403)])
def test_another_key_than_the_subscriptions_is_refused(vendor, status):
    other = Vapid02(ec.generate_private_key(ec.SECP256R1()))
    assert refused(subscription(f"{vendor}-good"), key=other).status_code == status


@pytest.mark.parametrize(("claims", "reason"), [
    ({"aud": "https://push.example.com"}, "BadJwtToken"),
    ({"sub": "ftp://example.com"}, "BadJwtToken"),
    ({"exp": 4102444800}, "BadJwtToken"),
])
def test_a_claim_that_is_wrong_is_refused(claims, reason):
    class Signer(Vapid02):
        """Its library checks the claims as well: here it signs others than it checked."""

        def _base_sign(self, good):
            return {**super()._base_sign(good), **claims}

    answer = refused(subscription("apple-good"), key=Signer.from_file(KEY))
    assert (answer.status_code, answer.json()["reason"]) == (403, reason)


@pytest.mark.parametrize(("name", "status", "body"), [
    ("mozilla-gone", 410, '"errno":106'),
    ("mozilla-unknown", 404, '"errno":102'),
    ("mozilla-overloaded", 503, '"errno":201'),
    ("google-gone", 410, "push subscription has unsubscribed or expired."),
    ("google-mismatch", 403, "do not correspond to the credentials"),
    ("apple-gone", 410, '"reason":"Unregistered"'),
    ("apple-mismatch", 400, '"reason":"VapidPkHashMismatch"'),
    ("microsoft-throttled", 406, ""),
    ("microsoft-blocked", 410, ""),
])
def test_a_fate_is_met(name, status, body):
    answer = refused(subscription(name))
    assert answer.status_code == status
    assert body in answer.text


def test_more_than_one_record_is_refused():
    """What http_ece makes of a record size that the plaintext reaches."""
    to = subscription("google-good")
    keys = {name: decode(value) for name, value in to["keys"].items()}
    body = http_ece.encrypt(
        b"x" * 100, salt=os.urandom(16), dh=keys["p256dh"], auth_secret=keys["auth"], rs=64, version="aes128gcm",
        private_key=ec.generate_private_key(ec.SECP256R1()),
    )
    vapid = Vapid02.from_file(KEY).sign({"sub": "mailto:ops@example.com", "aud": to["endpoint"].split("/fcm/")[0]})
    headers = {**vapid, "TTL": "60", "Content-Encoding": "aes128gcm"}
    assert requests.post(to["endpoint"], body, headers=headers, timeout=CALL).status_code == 400


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
