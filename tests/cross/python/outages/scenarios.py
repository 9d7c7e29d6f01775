"""The nine outages: how each is brought about, and what a gateway and Prometheus have to say of it.

Each has a gateway and a simulator of its own, so that whatever else is said of that gateway is wrong. Its name is that of the
job by which Prometheus scrapes it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from outages import certificates
from outages.processes import Simulator

APNS = {"apns": {"token": "600d" * 16}}
FCM = {"fcm": {"registration_token": "ok:1"}}
MATTERMOST = {"mattermost": {"device_id": "android_rn:ok:1"}}
# Tokens of devices that have the app from its developers.
SANDBOX = [f"600d{number:060x}" for number in range(40)]

# The moment in a sentence, by the clock of a day.
SINCE = r"since \d\d:\d\d UTC"

PUSHES_FAIL = "FanfarePushesFail"


def nothing(_: Simulator) -> None:
    """What is wrong is wrong from the start."""


@dataclass(frozen=True)
class Outage:
    name: str
    # What happens.
    cause: Callable[[Simulator], None]
    # What its callers send: the target of the n-th push.
    target: Callable[[int], dict]
    # Where the status tells of it: the list, and the members that find the one in it.
    where: tuple[str, dict]
    # Whose fault it is, the sentence, and the beginning of what to do.
    fault: str
    sentence: str
    remedy: str
    # The log's line: its level, its message, and some of its fields.
    line: tuple[str, str, dict]
    # Every alert that fires, with its labels.
    alerts: dict[str, dict]
    # What its configuration says otherwise, as variables without FANFARE__; and other variables.
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    # Makes files below the simulator's folder, and returns more tables of the configuration.
    tables: Callable[[Path], str] = lambda _: ""
    callers: int = 1
    # Whether the outage is there before the first push.
    from_the_start: bool = False


def fault(rule: dict) -> Callable[[Simulator], None]:
    return lambda simulator: simulator.control("POST", "/v1/faults", {"times": "always", **rule})


def app(provider: str) -> tuple[str, dict]:
    return "apps", {"app": "demo", "provider": provider}


def fails(provider: str) -> dict[str, dict]:
    return {PUSHES_FAIL: {"app": "demo", "provider": provider, "fault": "unknown"}}


def of_sandbox(simulator: Simulator) -> None:
    for token in SANDBOX:
        simulator.control("PUT", f"/v1/fates/apns/{token}", {"only_in": "sandbox"})


UPSTREAM_FAILS = (
    "ERROR",
    "upstream fails, and is left alone until it answers a probe: see what stands between, or the status page of the service",
)

OUTAGES = [
    Outage(
        name="refused_key",
        cause=lambda simulator: simulator.control("PUT", "/v1/provider-keys/KEY0000001", {"revoked": True}),
        target=lambda _: APNS,
        where=app("apns"),
        fault="operator",
        sentence=rf"APNs refuses the key KEY0000001 of team TEAM000001 in production {SINCE}: InvalidProviderToken \(403\)\.",
        remedy="Check key, key id and team id.",
        line=(
            "ERROR", "the credential is refused: its pushes are answered with CREDENTIAL until it is taken again",
            {"credential": "TEAM000001/KEY0000001", "place": "apns production", "reason": "InvalidProviderToken"},
        ),
        alerts={
            "FanfareCredentialRefused": {
                "credential": "TEAM000001/KEY0000001", "place": "apns production", "fault": "operator",
            },
            **fails("apns"),
        },
    ),
    Outage(
        name="wrong_environment",
        cause=of_sandbox,
        target=lambda number: {"apns": {"token": SANDBOX[number % len(SANDBOX)]}},
        where=app("apns"),
        fault="operator",
        sentence=r"APNs refuses so many of its targets that callers are told to set them aside, not to delete them: "
        rf"BadDeviceToken\. It has been so {SINCE}\.",
        remedy="Check the app's environment",
        line=(
            "WARN", "so many targets are refused at once that their callers are told to set them aside, not to delete them",
            {"app": "demo", "provider": "apns"},
        ),
        alerts={"FanfareTokensQuarantined": {"app": "demo", "provider": "apns", "fault": "operator"}},
        from_the_start=True,
    ),
    Outage(
        name="fcm_fails",
        cause=fault({"fault": {"refuse": "unavailable"}, "when": {"path_prefix": "/v1/"}}),
        target=lambda _: FCM,
        where=app("fcm"),
        fault="upstream",
        sentence=rf"FCM fails for project demo-project {SINCE}: it answers 503\.",
        remedy="The push service is at fault; look at its own status page.",
        line=(
            "ERROR",
            "the push service fails for this part of it, whose pushes are held back until a probe is answered: see the status "
            "page of the service, and the quota and state of the project",
            {"part": "project demo-project", "provider": "fcm", "status": 503},
        ),
        alerts={"FanfareProjectFails": {"project": "demo-project", "fault": "upstream"}, **fails("fcm")},
    ),
    Outage(
        name="black_hole",
        cause=fault({"fault": "silence", "when": {"service": "apns_production"}}),
        target=lambda _: APNS,
        where=app("apns"),
        fault="upstream",
        sentence=rf"APNs at https://localhost:\d+ fails {SINCE}: no answers come\.",
        remedy="It takes requests and answers none: check what stands between, then the status page of the push service.",
        line=(*UPSTREAM_FAILS, {"cause": "no_answer"}),
        alerts={"FanfareUpstreamFails": {"origin": "{production}", "fault": "upstream"}, **fails("apns")},
        callers=4,
    ),
    Outage(
        name="dns",
        cause=nothing,
        target=lambda _: MATTERMOST,
        where=app("mattermost"),
        fault="network",
        sentence=rf"The push proxy at http://push-proxy fails {SINCE}: cannot resolve push-proxy: .+\.",
        remedy="Check the name server of this machine, and the spelling of the host.",
        line=(*UPSTREAM_FAILS, {"cause": "connect"}),
        alerts={
            "FanfareUpstreamUnreachable": {"origin": "http://push-proxy", "cause": "resolve", "fault": "network"},
            **fails("mattermost"),
        },
        settings={"APPS__DEMO__MATTERMOST__URL": "http://push-proxy"},
        # The C library takes this name for another one, of which a part has more than the 63 bytes that DNS has room for. So it
        # gives up before it asks any name server, and nothing leaves the machine. Source: hostname(7); RFC 1035, section 2.3.4.
        environment={"HOSTALIASES": "{folder}/aliases"},
        tables=lambda folder: (folder / "aliases").write_text(f"push-proxy {'a' * 64}.invalid\n") and "",
        from_the_start=True,
    ),
    Outage(
        name="expired_certificate",
        cause=fault({"fault": "expired_certificate", "when": {"service": "apns_production"}}),
        target=lambda _: APNS,
        where=app("apns"),
        fault="network",
        sentence=rf"APNs at https://localhost:\d+ fails {SINCE}: TLS with localhost failed: .*certificate expired.*\.",
        remedy="Check the roots that are trusted (ca_files), the clock, and what stands between",
        line=(*UPSTREAM_FAILS, {"cause": "connect"}),
        alerts={
            "FanfareUpstreamUnreachable": {"origin": "{production}", "cause": "tls", "fault": "network"},
            "FanfareCertificateEnds": {"listener": "grpc", "fault": "operator"},
            **fails("apns"),
        },
        tables=certificates.near_its_end,
        from_the_start=True,
    ),
    Outage(
        name="quota",
        cause=lambda simulator: simulator.control(
            "PUT", "/v1/fcm/rate", {"per_second": 20, "burst": 20, "retry_after": 1}
        ),
        target=lambda _: FCM,
        where=app("fcm"),
        fault="quota",
        sentence=r"FCM asks to slow down, last at \d\d:\d\d UTC: [\d.]+ pushes a second leave, and \d+ wait\. "
        rf"It has been so {SINCE}\.",
        remedy="Send fewer pushes, or ask the push service for a larger quota.",
        line=(
            "WARN", "too many requests, says the service; requests to it are paced from now on",
            {"peer": "Peer(fcm as project demo-project)"},
        ),
        alerts={"FanfarePaced": {"origin": "fcm", "identity": "project demo-project", "fault": "quota"}},
        callers=24,
    ),
    Outage(
        name="breaker_open",
        cause=fault({
            "fault": {"goaway": {"last": {"exact": 0}, "code": 11, "then": "drain"}}, "when": {"service": "apns_production"},
        }),
        target=lambda _: APNS,
        where=app("apns"),
        fault="upstream",
        sentence=rf"APNs at https://localhost:\d+ fails {SINCE}: it says GOAWAY \(ENHANCE_YOUR_CALM\) and answers nothing\.",
        remedy="Check what stands between the gateway and the push service, then the status page of the push service.",
        line=(*UPSTREAM_FAILS, {"cause": "goaway"}),
        alerts={"FanfareUpstreamFails": {"origin": "{production}", "fault": "upstream"}, **fails("apns")},
    ),
    Outage(
        name="caller_over_rate",
        cause=nothing,
        target=lambda _: APNS,
        where=("callers", {"name": "orders"}),
        fault="caller",
        sentence=rf"orders hands in more pushes than its 5 a second \(5 at once\) {SINCE}, last at \d\d:\d\d UTC: \d+ were refused\.",
        remedy="Ask its owner whether so many are meant.",
        line=("WARN", "a caller was refused", {"caller": "orders", "rule": "pushes_per_second", "app": "demo"}),
        alerts={"FanfareCallerOverRate": {"caller": "orders", "fault": "caller"}},
        tables=lambda _: """
[callers.orders]
apps = ["*"]
providers = ["*"]
rpcs = ["*"]
service_classes = ["*"]
pushes_per_second = 5
burst = 5
anonymous = true
""",
        from_the_start=True,
    ),
]
