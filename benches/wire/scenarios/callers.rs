//! The scenario of callers: what it costs to know them.

use super::{Scenario, scenario, spec};
use crate::goal::Bound::{Most, Told};
use crate::goal::{Figure, ratio};
use crate::spec::Shape::{Stream, Unary};
use crate::spec::Subject::Gateway;
use crate::spec::{KnownBy, Shape, Spec};

pub(super) fn callers() -> Scenario {
    let run = |shape: Shape, in_flight, caller_tls, known_by| Spec {
        caller_tls,
        known_by,
        ..spec(Gateway, shape, in_flight)
    };
    let unary = |caller_tls, known_by| run(Unary, 50, caller_tls, known_by);
    let stream = |caller_tls, known_by| run(Stream(1), 1000, caller_tls, known_by);
    scenario(
        "callers",
        "TLS, client certificates, keys and tokens: by call, 50 in flight, and on a stream, 1,000 in flight",
        [
            ("no callers", unary(false, KnownBy::Nothing)),
            ("anonymous", unary(false, KnownBy::Anonymous)),
            ("TLS, anonymous", unary(true, KnownBy::Anonymous)),
            ("TLS, certificate", unary(true, KnownBy::Certificate)),
            ("key", unary(false, KnownBy::Key)),
            ("token", unary(false, KnownBy::Token)),
            ("TLS, token", unary(true, KnownBy::Token)),
            ("stream, no callers", stream(false, KnownBy::Nothing)),
            ("stream, TLS, certificate", stream(true, KnownBy::Certificate)),
        ],
        [
            ratio("CPU: anonymous ÷ no callers", Figure::Cpu, "anonymous", &["no callers"], Told),
            ratio("CPU: TLS ÷ no callers", Figure::Cpu, "TLS, anonymous", &["no callers"], Told),
            ratio("CPU: mTLS ÷ no callers", Figure::Cpu, "TLS, certificate", &["no callers"], Most(1.15)),
            ratio("CPU: key ÷ no callers", Figure::Cpu, "key", &["no callers"], Most(1.15)),
            ratio("CPU: token ÷ no callers", Figure::Cpu, "token", &["no callers"], Most(1.2)),
            ratio("CPU: token over TLS ÷ no callers", Figure::Cpu, "TLS, token", &["no callers"], Most(1.25)),
            ratio(
                "CPU: mTLS ÷ no callers, stream",
                Figure::Cpu,
                "stream, TLS, certificate",
                &["stream, no callers"],
                Most(1.15),
            ),
        ],
    )
}
