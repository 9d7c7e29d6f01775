"""A client that shows who it is, and verdicts that say what is to be done."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import unittest
from datetime import timedelta

import grpc
from fanfare_push import AsyncClient, Client, is_dead, nothing_sent, pb, retry_after, should_retry
from gateway import BINARY, Gateway, Simulator
from test_batch import push


class TestCallers(unittest.TestCase):
    def setUp(self) -> None:
        self.simulator = Simulator()
        self.addCleanup(self.simulator.stop)
        self.dir = self.simulator.dir
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=gateway"]
            + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.dir / "gateway.key", "-out", self.dir / "gateway.pem"],
            check=True,
            capture_output=True,
        )
        key = self.dir / "orders.key"
        subprocess.run([BINARY, "caller-key", key], check=True, capture_output=True)
        shown = subprocess.run([BINARY, "caller-key", "--show", key], check=True, capture_output=True, text=True)
        gateway = Gateway(
            self.simulator,
            '[grpc.tls]\ncertificate_file = "gateway.pem"\nprivate_key_file = "gateway.key"\n'
            '[callers.orders]\napps = ["demo"]\nproviders = ["apns"]\nrpcs = ["*"]\nservice_classes = ["*"]\n'
            f'key_sha256 = ["{shown.stdout.strip()}"]',
        )
        self.addCleanup(gateway.end, signal.SIGKILL)
        self.address = gateway.address

    def test_a_key_from_a_file_is_shown_for_each_call(self) -> None:
        key, shown = self.dir / "orders.key", self.dir / "shown.key"
        shown.write_text("fanfare_no_key")
        with Client(self.address, ca_file=self.dir / "gateway.pem", token_file=shown) as client:
            with self.assertRaises(grpc.RpcError) as raised:
                client.send(push(1))
            self.assertIs(raised.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
            self.assertTrue(nothing_sent(raised.exception))
            with self.assertRaises(grpc.RpcError) as raised:
                list(client.send_batch([push(1)]))
            self.assertIs(raised.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
            shown.write_text(key.read_text())
            self.assertEqual(client.send(push(1)).verdict.outcome, pb.OUTCOME_ACCEPTED)
            self.assertEqual([it.push.id for it in client.send_batch([push(1)])], ["push-1"])

    def test_a_status_made_by_the_library_leaves_the_push_in_doubt(self) -> None:
        with Client(self.address, ca_file=self.dir / "gateway.pem", token_file=self.dir / "orders.key") as client:
            with self.assertRaises(grpc.RpcError) as raised:
                client.send(push(1), deadline=0)
            self.assertIs(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            self.assertFalse(nothing_sent(raised.exception))

    def test_the_same_with_asyncio(self) -> None:
        async def send() -> int:
            ca, key = self.dir / "gateway.pem", self.dir / "orders.key"
            async with AsyncClient(self.address, ca_file=ca, token_file=key) as client:
                return (await client.send(push(1))).verdict.outcome

        self.assertEqual(asyncio.run(send()), pb.OUTCOME_ACCEPTED)

    def test_a_token_is_never_sent_without_tls(self) -> None:
        with self.assertRaisesRegex(ValueError, "token_file has no place beside plaintext"):
            Client(self.address, plaintext=True, token_file=self.dir / "orders.key")

    def test_verdicts_say_what_is_to_be_done(self) -> None:
        expected = {
            "900d": (False, False, timedelta()),
            "dead": (True, False, timedelta()),
            "0bad": (True, False, timedelta()),
            "zzzz": (True, False, timedelta()),
        }
        with Client(self.address, ca_file=self.dir / "gateway.pem", token_file=self.dir / "orders.key") as client:
            for token, said in expected.items():
                it = push(1)
                it.target.apns.token = token
                it.id = ""
                result = client.send(it)
                self.assertEqual((is_dead(result), should_retry(result), retry_after(result)), said, result)
                self.assertEqual(result.verdict.id, result.push.id)
            late = push(2)
            late.target.apns.token = "f10d"
            late.options.max_wait.FromMilliseconds(10)
            result = client.send(late)
            self.assertTrue(should_retry(result), result)
            self.assertGreater(retry_after(result), timedelta(), result)


if __name__ == "__main__":
    unittest.main()
