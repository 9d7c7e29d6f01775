"""aioapns at the simulator's address, and what the tests say of the journal."""

import asyncio
import ssl
from urllib.parse import urlsplit

from aioapns import APNs, NotificationRequest
from aioapns.connection import APNsProductionClientProtocol



def device(number):
    return f"0a{number:062x}"


def request(token, alert="Hello"):
    return NotificationRequest(device_token=token, message={"aps": {"alert": alert}})


def client(simulator):
    """A client that trusts the simulator's CA by its own `ssl_context`.

    aioapns has no setting for the address: its pool takes it from a class that is named by an attribute, which is set here.
    """
    address = urlsplit(simulator.facts["production"])

    class Simulated(APNsProductionClientProtocol):
        APNS_SERVER = address.hostname
        APNS_PORT = address.port

    sender = APNs(
        key=(simulator.dir / "AuthKey.p8").read_text(),
        key_id=simulator.facts["key_id"], team_id=simulator.facts["team_id"], topic=simulator.facts["topics"][0],
        ssl_context=ssl.create_default_context(cafile=simulator.ca),
        max_connections=1, err_func=ignore,
    )
    sender.pool.protocol_class = Simulated
    return sender


async def ignore(_request, _result):
    """The results say what was refused; aioapns need not log it."""


def run(scenario):
    """Runs an async test to its end."""
    return asyncio.run(scenario)


def outcomes(simulator, token):
    """What became of the requests for one device, in their order."""
    return [(entry["outcome"], entry["status"], entry["may_be_delivered"]) for entry in simulator.journal(token=token)]
