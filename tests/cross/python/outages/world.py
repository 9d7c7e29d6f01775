"""All nine outages side by side: their simulators, gateways and callers, and the one Prometheus that watches."""

from collections.abc import Callable
from pathlib import Path

import grpc
from conftest import connect, secure_channel
from outages import certificates
from outages.processes import Gateway, Load, Simulator, until
from outages.prometheus import Prometheus
from outages.scenarios import OUTAGES, Outage


def told(entry: dict) -> bool:
    return "sentence" in entry or entry.get("trouble") is not None


class World:
    """Everything that runs, and every alert that has fired."""

    def __init__(self, folder: Path):
        self.folder, self.programs, self.loads, self.fired = folder, [], {}, {outage.name: {} for outage in OUTAGES}

    def start(self) -> None:
        self.simulators = {outage.name: self.begun(Simulator(self.folder / outage.name)) for outage in OUTAGES}
        facts = {name: simulator.await_start() for name, simulator in self.simulators.items()}
        self.origins = {name: known["production"] for name, known in facts.items()}
        self.gateways = {outage.name: self.begun(self.gateway(outage)) for outage in OUTAGES}
        for outage in OUTAGES:
            if outage.from_the_start:
                outage.cause(self.simulators[outage.name])
        targets = {name: gateway.admin() for name, gateway in self.gateways.items()}
        self.prometheus = self.begun(Prometheus(self.folder / "prometheus", targets))
        self.prometheus.await_start()
        for outage in OUTAGES:
            self.loads[outage.name] = Load(self.channel(outage), self.pushes(outage), outage.callers)

    def begun(self, program):
        self.programs.append(program)
        return program

    def gateway(self, outage: Outage) -> Gateway:
        folder = self.folder / outage.name
        environment = {key: value.replace("{folder}", str(folder)) for key, value in outage.environment.items()}
        return Gateway(folder, outage.settings, environment, outage.tables(folder))

    def channel(self, outage: Outage) -> grpc.Channel:
        address, certificate = self.gateways[outage.name].await_start()["grpc"], self.folder / outage.name / certificates.FILE
        if not certificate.exists():
            return connect(address)
        return secure_channel(address, grpc.ssl_channel_credentials(certificate.read_bytes()))

    def pushes(self, outage: Outage) -> Callable[[int], dict]:
        return lambda number: {"target": outage.target(number)}

    def happen(self) -> None:
        """Once all is well that is to be well, it goes wrong."""
        late = [outage for outage in OUTAGES if not outage.from_the_start]
        until(lambda: all(self.health(outage) == "well" for outage in late), "every app well that is to be well")
        assert not {alert["labels"]["job"] for alert in self.prometheus.alerts()} & {outage.name for outage in late}
        for outage in late:
            outage.cause(self.simulators[outage.name])

    def health(self, outage: Outage) -> str | None:
        return self.found(outage).get("health")

    def found(self, outage: Outage) -> dict:
        """What the status tells of whom an outage is about."""
        where, members = outage.where
        [found] = [it for it in self.gateways[outage.name].status()[where] if members.items() <= it.items()]
        return found

    def sentences(self, outage: Outage) -> list[dict]:
        """Whatever the status tells of that is wrong, each with its sentence."""
        status = self.gateways[outage.name].status()
        return [it.get("trouble") or it for where in ("apps", "callers", "credentials", "feeds") for it in status[where] if told(it)]

    def note_alerts(self) -> None:
        assert not any(load.broken for load in self.loads.values()), {name: it.broken for name, it in self.loads.items()}
        for alert in self.prometheus.alerts():
            self.fired[alert["labels"]["job"]][alert["labels"]["alertname"]] = alert

    def watch(self) -> None:
        """Until every alert has fired that is to fire, and then for some evaluations more, in which others might."""

        def all_fired():
            self.note_alerts()
            return all(outage.alerts.keys() <= self.fired[outage.name].keys() for outage in OUTAGES)

        try:
            until(all_fired, "every alert")
        except AssertionError as late:
            missing = {it.name: sorted(it.alerts.keys() - self.fired[it.name].keys()) for it in OUTAGES}
            raise AssertionError(f"{late}: {missing}") from None
        enough = self.prometheus.evaluations() + 5
        until(lambda: self.prometheus.evaluations() >= enough, "five more evaluations")
        self.note_alerts()

    def end(self) -> None:
        for load in self.loads.values():
            load.end()
        for program in reversed(self.programs):
            program.end()
