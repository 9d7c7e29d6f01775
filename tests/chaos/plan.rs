//! Draws from the seed which faults strike in a round.

use std::time::Duration;

use fanfare_simulator::{
    AfterGoAway, Environment, Fault, FaultRule, GoAway, HangUp, LastId, Phase, ScriptedAnswer, Service,
    Trigger,
};
use fastrand::Rng;

use crate::network::{Names, Place};
use crate::script::{Blow, Step};

/// The address that faults of opening strike. The first one stays well.
const SICK: Environment = Environment::Sandbox;

/// MAX_CONCURRENT_STREAMS when nothing is wrong.
pub(crate) const STREAMS: u32 = 1000;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    GoAwayMiddle,
    GoAwayGraceful,
    GoAwayHangUp,
    EnhanceYourCalm,
    RefusedStreams,
    OtherResets,
    LimitOne,
    LimitNone,
    LimitHigh,
    HangUp,
    HalfOpen,
    Slow,
    Silence,
    HeadersOnly,
    BodyWithoutEnd,
    TenMebibytes,
    Trickle,
    ExpiredToken,
    SickOpening,
    PortClosed,
    DeafAddress,
    NamesChange,
    NamesFail,
    Outage,
    Unavailable,
    TooManyRequests,
    KeyRefused,
    /// The network has forgotten every connection while nothing was sent.
    Forgotten,
}

impl Kind {
    /// Those that strike while pushes are sent.
    const WHILE_SENDING: [Self; 27] = [
        Self::GoAwayMiddle,
        Self::GoAwayGraceful,
        Self::GoAwayHangUp,
        Self::EnhanceYourCalm,
        Self::RefusedStreams,
        Self::OtherResets,
        Self::LimitOne,
        Self::LimitNone,
        Self::LimitHigh,
        Self::HangUp,
        Self::HalfOpen,
        Self::Slow,
        Self::Silence,
        Self::HeadersOnly,
        Self::BodyWithoutEnd,
        Self::TenMebibytes,
        Self::Trickle,
        Self::ExpiredToken,
        Self::SickOpening,
        Self::PortClosed,
        Self::DeafAddress,
        Self::NamesChange,
        Self::NamesFail,
        Self::Outage,
        Self::Unavailable,
        Self::TooManyRequests,
        Self::KeyRefused,
    ];

    /// Whether pushes may end unsent, because no address is well or known.
    pub(crate) fn leaves_unsent(self) -> bool {
        matches!(self, Self::NamesFail | Self::Outage)
    }

    fn steps(self, at: u64, dice: &mut Rng) -> Vec<Step> {
        let next = |dice: &mut Rng, fault| vec![Step::next(at, dice.u32(1..=40), fault)];
        // These come one after another on connections that are not yet proven, so each costs the whole answer timeout.
        let endless = |dice: &mut Rng, fault| vec![Step::next(at, dice.u32(1..=8), fault)];
        let limit = |limit, millis| {
            let set = |limit| Blow::StrikeAll(Fault::SetMaxStreams(limit));
            vec![Step::at(at, set(limit)), Step::later(millis, set(STREAMS))]
        };
        match self {
            Self::GoAwayMiddle => vec![Step::next(at, 1, goaway(middle(dice), 0, AfterGoAway::Drain))],
            Self::GoAwayGraceful => {
                let pause = Duration::from_millis(dice.u64(0..20));
                vec![Step::next(at, 1, Fault::GracefulGoAway { pause, reason: None })]
            }
            Self::GoAwayHangUp => {
                vec![Step::next(at, 1, goaway(middle(dice), 0, AfterGoAway::HangUp(how(dice))))]
            }
            Self::EnhanceYourCalm => vec![Step::next(at, 1, goaway(middle(dice), 11, AfterGoAway::Drain))],
            Self::RefusedStreams if dice.bool() => next(dice, Fault::RefuseThenClosed),
            Self::RefusedStreams => {
                let fault = Fault::ResetStream { code: 7, at: phase(dice) };
                vec![Step::share(at, 0.5, 100, fault)]
            }
            Self::OtherResets => {
                let code = [0, 1, 2, 5, 8, 11, 13, 99][dice.usize(0..8)];
                let fault = Fault::ResetStream { code, at: phase(dice) };
                next(dice, fault)
            }
            Self::LimitOne => limit(1, 100),
            Self::LimitNone => limit(0, 100),
            Self::LimitHigh => vec![Step::at(at, Blow::StrikeAll(Fault::SetMaxStreams(2000)))],
            Self::HangUp => {
                let fault = Fault::HangUp { how: how(dice), at: phase(dice) };
                vec![Step::next(at, 1, fault)]
            }
            Self::HalfOpen => vec![Step::at(at, Blow::Strike(Fault::HalfOpen))],
            Self::Slow => {
                let slow = Fault::Throttle { bytes: 500, every: Duration::from_millis(5) };
                vec![Step::at(at, Blow::Strike(slow))]
            }
            Self::Silence => endless(dice, Fault::Silence),
            Self::HeadersOnly => endless(dice, Fault::HeadersWithoutBody),
            Self::BodyWithoutEnd => endless(dice, Fault::BodyWithoutEnd),
            Self::TenMebibytes => vec![Step::next(at, 3, Fault::HugeBody(10 * 1024 * 1024))],
            Self::Trickle => endless(dice, Fault::Trickle { every: Duration::from_secs(1) }),
            Self::ExpiredToken => vec![Step::next(at, 5, answer(403, "ExpiredProviderToken"))],
            Self::SickOpening => vec![Step::at(at, Blow::Rule(sick(dice))), reopen(at)],
            Self::PortClosed => vec![Step::at(at, Blow::Close(SICK)), reopen(at)],
            Self::DeafAddress => {
                vec![Step::at(at, Blow::Say(Names::Lead(vec![Place::Deaf, Place::First]))), reopen(at)]
            }
            Self::NamesChange => {
                vec![Step::at(at, Blow::Say(Names::Lead(vec![Place::First]))), reopen(at)]
            }
            Self::NamesFail => {
                let mend = Step::later(100, Blow::Say(well()));
                vec![Step::at(at, Blow::Say(Names::Fail)), reopen(at), mend]
            }
            Self::Outage => outage(at, dice),
            Self::Unavailable => {
                let ill = FaultRule::always(Trigger::Always, answer(503, "ServiceUnavailable"));
                let well = Step::later(dice.u64(50..500), Blow::TakeBackRules);
                vec![Step::at(at, Blow::Rule(ill)), well]
            }
            Self::TooManyRequests => vec![Step::share(at, 0.5, 100, answer(429, "TooManyRequests"))],
            Self::KeyRefused => {
                let mended = Step::later(dice.u64(50..500), Blow::TakesKey(true));
                vec![Step::at(at, Blow::TakesKey(false)), mended]
            }
            Self::Forgotten => Vec::new(),
        }
    }
}

/// The faults that are drawn for one round.
pub(crate) struct Plan {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) steps: Vec<Step>,
}

/// Draws the faults of a round of so many pushes.
pub(crate) fn draw(seed: u64, round: u64, pushes: u64) -> Plan {
    // The seed is mixed as SplitMix64 does, so that neighbours have nothing in common.
    let mut dice = Rng::with_seed(seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    // Nothing else strikes then, so that what is in doubt is due to this alone.
    if dice.u8(0..8) == 0 {
        return Plan { kinds: vec![Kind::Forgotten], steps: Vec::new() };
    }
    // A round of the smallest size has one to four faults, and a larger one has more in proportion.
    let faults = dice.u64(1..=4) * (pushes / 2500).max(1);
    let mut moments: Vec<u64> = (0..faults).map(|_| dice.u64(0..pushes.max(1))).collect();
    moments.sort_unstable();
    let mut plan = Plan { kinds: Vec::new(), steps: Vec::new() };
    for at in moments {
        let kind = Kind::WHILE_SENDING[dice.usize(0..Kind::WHILE_SENDING.len())];
        plan.kinds.push(kind);
        plan.steps.extend(kind.steps(at, &mut dice));
    }
    plan
}

/// The addresses of the name when all is well.
pub(crate) fn well() -> Names {
    Names::Lead(vec![Place::First, Place::Second])
}

/// The steps that end the faults of a round: ports, names and limits are as they were before.
pub(crate) fn mended() -> Vec<Step> {
    vec![
        Step::later(0, Blow::Open(Environment::Production)),
        Step::later(0, Blow::Open(Environment::Sandbox)),
        Step::later(0, Blow::Say(well())),
        Step::later(0, Blow::StrikeAll(Fault::SetMaxStreams(STREAMS))),
        Step::later(0, Blow::TakesKey(true)),
    ]
}

fn answer(status: u16, reason: &str) -> Fault {
    Fault::Answer(ScriptedAnswer::refusal(status, reason))
}

fn goaway(last: LastId, code: u32, then: AfterGoAway) -> Fault {
    Fault::GoAway(GoAway { last, code, reason: Some("Shutdown".to_owned()), then })
}

/// Ends every connection without a loss, so that new ones have to open.
fn reopen(at: u64) -> Step {
    Step::at(at, Blow::StrikeAll(goaway(LastId::Highest, 0, AfterGoAway::Drain)))
}

fn outage(at: u64, dice: &mut Rng) -> Vec<Step> {
    let end = Fault::HangUp { how: how(dice), at: Phase::AfterBody };
    vec![
        Step::at(at, Blow::Close(Environment::Production)),
        Step::at(at, Blow::Close(Environment::Sandbox)),
        Step::at(at, Blow::StrikeAll(end)),
        Step::later(dice.u64(10..200), Blow::Open(Environment::Production)),
    ]
}

fn sick(dice: &mut Rng) -> FaultRule {
    let faults = [
        Fault::RefuseTcp,
        Fault::RefuseTls,
        Fault::SilentTls,
        Fault::WrongName,
        Fault::ExpiredCertificate,
        Fault::NoSettings,
    ];
    let fault = faults[dice.usize(0..faults.len())].clone();
    FaultRule { when: Trigger::Service(Service::Apns(SICK)), fault, times: dice.u32(1..=5) }
}

fn middle(dice: &mut Rng) -> LastId {
    [LastId::This, LastId::BeforeThis, LastId::Highest][dice.usize(0..3)]
}

fn how(dice: &mut Rng) -> HangUp {
    if dice.bool() { HangUp::Fin } else { HangUp::Reset }
}

fn phase(dice: &mut Rng) -> Phase {
    [Phase::BeforeBody, Phase::AfterBody, Phase::AfterAnswerHeaders][dice.usize(0..3)]
}
