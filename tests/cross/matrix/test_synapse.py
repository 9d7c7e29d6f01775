"""A real homeserver pushes through the gateway to the simulator: FANFARE_BIN=... python -m unittest discover -s tests/cross/matrix"""

import tempfile
import unittest
from pathlib import Path

from gateway import Gateway, Simulator, pushkey
from homeserver import Homeserver, User
from processes import until

IOS, DROID = "com.example.ios", "com.example.droid.beta"


class Pushes(unittest.TestCase):
    """Alice writes, and the devices of somebody else are told."""

    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        cls.simulator = Simulator(folder)
        cls.addClassCleanup(cls.simulator.process.end)
        cls.simulator.start()
        cls.gateway = Gateway(folder)
        cls.addClassCleanup(cls.gateway.process.end)
        # The gateway starts meanwhile.
        cls.homeserver = Homeserver(folder)
        cls.addClassCleanup(cls.homeserver.process.end)
        cls.gateway.start()
        cls.homeserver.start()
        cls.alice = User(cls.homeserver, "alice")

    def meet(self, name: str) -> tuple[User, str]:
        """A user who is written to, and the room."""
        user = User(self.homeserver, name)
        return user, self.alice.talk_with(user)

    def told(self, token: str, text: str) -> list[dict]:
        """The pushes to a device that tell of this text."""
        return [body for body in self.simulator.bodies(token) if text in str(body)]

    def await_told(self, token: str, text: str) -> dict:
        return until(lambda: self.told(token, text), f"a push of {text!r} to {token[:4]}")[0]

    def test_a_message_and_then_its_receipt_reach_a_device(self) -> None:
        token = "600d" + "01" * 30
        bob, room = self.meet("bob")
        bob.push_to(self.gateway.url, IOS, pushkey(token), default_payload={"aps": {"mutable-content": 1}})
        event = self.alice.say(room, "hello bob")
        push = self.await_told(token, "hello bob")
        alert = {"loc-key": "MSG_FROM_USER_IN_ROOM_WITH_CONTENT", "loc-args": ["alice", "Mission Control", "hello bob"]}
        self.assertEqual(push, {
            "aps": {"alert": alert, "badge": 1, "mutable-content": 1}, "event_id": event, "room_id": room,
        })
        bob.read(room, event)
        until(lambda: {"aps": {"badge": 0}} in self.simulator.bodies(token), "the badge is cleared")

    def test_an_event_alone_reaches_a_device_of_fcm(self) -> None:
        carol, room = self.meet("carol")
        carol.push_to(self.gateway.url, DROID, "ok:carol", format="event_id_only", default_payload={"cs": "s3cret"})
        event = self.alice.say(room, "hello carol")
        push = until(lambda: self.told("ok:carol", event), "a push of the event")[0]
        self.assertEqual(push["message"]["data"], {
            "cs": "s3cret", "event_id": event, "room_id": room, "prio": "high", "unread": "1",
        })

    def test_a_dead_device_is_removed_and_one_of_an_unknown_app_stays(self) -> None:
        dead, living = pushkey("dead" + "02" * 30), pushkey("600d" + "02" * 30)
        dave, room = self.meet("dave")
        for app_id, key in [(IOS, dead), (IOS, living), ("com.example.forgotten", "forgotten")]:
            dave.push_to(self.gateway.url, app_id, key)
        self.alice.say(room, "hello dave")
        self.await_told("600d" + "02" * 30, "hello dave")
        until(lambda: dead not in dave.pushkeys(), "the pusher of the dead device is gone")
        until(lambda: self.gateway.counted("unknown_app"), "the unknown app was asked for")
        self.assertEqual(dave.pushkeys(), {living, "forgotten"})

    def test_a_slow_push_service_is_told_once_and_holds_nothing_up(self) -> None:
        token = "600d" + "03" * 30
        self.simulator.set_fate(token, "silent")
        erin, room = self.meet("erin")
        erin.push_to(self.gateway.url, IOS, pushkey(token))
        self.alice.say(room, "the first")
        self.await_told(token, "the first")
        # Synapse sends in order, and goes on when it was answered: a later message says that the first was not repeated.
        self.simulator.set_fate(token, "good")
        self.alice.say(room, "the second")
        self.await_told(token, "the second")
        self.assertEqual(len(self.told(token, "the first")), 1)

    def test_a_busy_push_service_is_told_again_by_synapse(self) -> None:
        token = "600d" + "04" * 30
        self.simulator.set_fate(token, {"like": "f10d"})
        frank, room = self.meet("frank")
        frank.push_to(self.gateway.url, IOS, pushkey(token))
        self.alice.say(room, "wait for me")
        until(lambda: self.gateway.counted("later"), "the gateway asks for a repeat")
        self.simulator.set_fate(token, "good")
        self.alice.say(room, "and me")
        self.await_told(token, "and me")
        refused_and_taken = self.told(token, "wait for me")
        self.assertGreaterEqual(len(refused_and_taken), 2, "it was repeated before the next message")
        self.assertEqual(len(self.told(token, "and me")), 1)


if __name__ == "__main__":
    unittest.main()
