"""A batch ends with the books balanced, whatever becomes of its gateway."""

from __future__ import annotations

import asyncio
import signal
import unittest
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fanfare_push import Answered, AsyncClient, Client, NotRead, Result, Unknown, is_dead, pb, retry_after, should_retry
from gateway import Gateway, Simulator

PUSHES = 6000
Seen = Callable[[int], None]


def push(number: int, beginning: str = "90", **options: bool) -> pb.Push:
    return pb.Push(
        id=f"push-{number}",
        app="demo",
        target=pb.Target(apns=pb.ApnsDevice(token=f"{beginning}{number:08x}")),
        content=pb.Content(notification=pb.Notification(title="Hello")),
        options=pb.Options(**options),
    )


def blocking(address: str, pushes: Iterable[pb.Push], seen: Seen = lambda _: None, **settings: Any) -> list[Result]:
    results: list[Result] = []
    with Client(address, plaintext=True, **settings) as client:
        for result in client.send_batch(pushes):
            results.append(result)
            seen(len(results))
    return results


def with_asyncio(address: str, pushes: Iterable[pb.Push], seen: Seen = lambda _: None, **settings: Any) -> list[Result]:
    async def collect() -> list[Result]:
        results: list[Result] = []
        async with AsyncClient(address, plaintext=True, **settings) as client:
            async for result in client.send_batch(pushes):
                results.append(result)
                seen(len(results))
        return results

    return asyncio.run(collect())


class TestBatch(unittest.TestCase):
    def setUp(self) -> None:
        # Slow enough that many pushes are in flight when their gateway ends.
        self.simulator = Simulator("--latency", "100ms")
        self.addCleanup(self.simulator.stop)
        self.gateway = Gateway(self.simulator)
        self.addCleanup(self.gateway.end, signal.SIGKILL)

    def ends(self, how: signal.Signals) -> Seen:
        """Ends the gateway in the middle, and starts it again."""

        def seen(results: int) -> None:
            if results == PUSHES // 3:
                self.gateway.end(how)
                self.gateway.start()

        return seen

    def balance(self, sent: list[pb.Push], results: list[Result]) -> dict[type[Result], int]:
        """Each push has exactly one result, which is true of what arrived at the push service."""
        self.assertEqual(sorted(it.id for it in sent), sorted(it.push.id for it in results))
        arrived = self.simulator.arrived()
        for it in results:
            times = arrived[it.push.target.apns.token]
            if isinstance(it, Answered):
                accepted = it.verdict.outcome == pb.OUTCOME_ACCEPTED
                self.assertGreaterEqual(times, 1 if accepted else 0, it)
            elif isinstance(it, NotRead):
                self.assertEqual(times, 0, it)
            if not it.push.options.repeatable:
                self.assertLessEqual(times, 1, it)
        return {kind: sum(isinstance(it, kind) for it in results) for kind in (Answered, NotRead, Unknown)}

    def test_books_balance_after_a_gateway_was_killed(self) -> None:
        for kind, send_all in enumerate([blocking, with_asyncio]):
            with self.subTest(send_all.__name__):
                sent = [push(number) for number in range(kind * PUSHES, (kind + 1) * PUSHES)]
                counts = self.balance(sent, send_all(self.gateway.address, sent, self.ends(signal.SIGKILL), window=1000))
                print(f"killed, {send_all.__name__}: {counts}")
                self.assertEqual(counts[Answered] + counts[Unknown], PUSHES)
                self.assertTrue(0 < counts[Unknown] <= 1000, counts)

    def test_what_is_repeatable_gets_its_verdict_after_a_gateway_was_killed(self) -> None:
        sent = [push(number, repeatable=True) for number in range(PUSHES)]
        counts = self.balance(sent, blocking(self.gateway.address, sent, self.ends(signal.SIGKILL), window=1000))
        doubled = sum(times > 1 for times in self.simulator.arrived().values())
        print(f"killed, repeatable: {counts}, {doubled} arrived twice")
        self.assertEqual(counts[Answered], PUSHES)
        self.assertLessEqual(doubled, 1000)

    def test_nothing_is_in_doubt_after_a_gateway_was_ended(self) -> None:
        for kind, send_all in enumerate([blocking, with_asyncio]):
            with self.subTest(send_all.__name__):
                sent = [push(number) for number in range(kind * PUSHES, (kind + 1) * PUSHES)]
                counts = self.balance(sent, send_all(self.gateway.address, sent, self.ends(signal.SIGTERM), window=1000))
                print(f"ended, {send_all.__name__}: {counts}")
                self.assertEqual(counts[Answered], PUSHES)

    def test_what_finds_no_gateway_was_not_read(self) -> None:
        self.gateway.end(signal.SIGKILL)
        for send_all in [blocking, with_asyncio]:
            with self.subTest(send_all.__name__):
                taken: list[pb.Push] = []
                results: list[Result] = []

                def pushes() -> Iterator[pb.Push]:
                    for number in range(PUSHES):
                        taken.append(push(number))
                        yield taken[-1]

                with self.assertRaisesRegex(TimeoutError, "no gateway answered"):
                    for it in keep(send_all, self.gateway.address, pushes(), results):
                        raise AssertionError(it)
                self.assertEqual(len(taken), 10)
                self.assertEqual(self.balance(taken, results)[NotRead], 10)
                self.assertTrue(all(should_retry(it) for it in results))


def keep(send_all: Any, address: str, pushes: Iterable[pb.Push], results: list[Result]) -> list[Result]:
    """As send_all, of a batch that raises: what came before is in results."""
    settings = {"plaintext": True, "deadline": 0.5, "window": 10}
    if send_all is blocking:
        with Client(address, **settings) as client:
            results.extend(it for it in client.send_batch(pushes))
        return []

    async def collect() -> None:
        async with AsyncClient(address, **settings) as client:
            async for it in client.send_batch(pushes):
                results.append(it)

    asyncio.run(collect())
    return []


if __name__ == "__main__":
    unittest.main()
