use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::kind::PeerKind;

/// A peer of the model.
#[derive(Debug, Clone)]
struct Resident {
    host: u8,
    kind: PeerKind,
    proven: bool,
    /// How many callers have it.
    held: usize,
    last_asked: Instant,
}

impl Resident {
    fn occupant(&self) -> Occupant {
        let idle_since = (self.held == 0).then_some(self.last_asked);
        Occupant { rank: self.kind.rank(self.proven), idle_since }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Somebody asks for a peer, and keeps it or not.
    Ask { host: u8, kind: PeerKind, keeps: bool },
    /// Everybody leaves one of the peers.
    Leave(usize),
    /// One of the peers brings a good answer.
    Prove(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = [PeerKind::Configured, PeerKind::Known, PeerKind::Claimed, PeerKind::Stranger];
    // Most hosts are made up.
    let kind = prop_oneof![6 => Just(PeerKind::Stranger), 3 => Just(PeerKind::Claimed), 1 => prop::sample::select(kinds.to_vec())];
    prop_oneof![
        6 => (any::<u8>(), kind, any::<bool>()).prop_map(|(host, kind, keeps)| Step::Ask { host, kind, keeps }),
        3 => any::<usize>().prop_map(Step::Leave),
        2 => any::<usize>().prop_map(Step::Prove),
    ]
}

/// The peers that there are.
struct Town {
    limits: PeerLimits,
    residents: Vec<Resident>,
    now: Instant,
}

impl Town {
    fn count(&self, is: impl Fn(Rank) -> bool) -> usize {
        self.residents.iter().filter(|it| is(it.occupant().rank)).count()
    }

    fn ask(&mut self, host: u8, kind: PeerKind, keeps: bool) {
        let there = self.residents.iter_mut().find(|it| (it.host, it.kind) == (host, kind));
        if let Some(resident) = there {
            resident.held += usize::from(keeps);
            resident.last_asked = self.now;
            return;
        }
        let rank = kind.rank(false);
        let occupants = self.residents.iter().enumerate().map(|(at, it)| (at, it.occupant()));
        match self.limits.leaves_for(rank, occupants) {
            Ok(Some(at)) => {
                let left = self.residents.remove(at);
                self.assert_left(&left, rank);
            }
            Ok(None) => {}
            Err(why) => return self.assert_full(rank, why),
        }
        let last_asked = self.now;
        self.residents.push(Resident { host, kind, proven: false, held: usize::from(keeps), last_asked });
    }

    /// Whoever left was idle, and of those that were nobody should have left instead.
    fn assert_left(&self, left: &Resident, newcomer: Rank) {
        let Occupant { rank, idle_since } = left.occupant();
        assert!(idle_since.is_some(), "{left:?} is in use");
        assert!(newcomer == Rank::Kept || rank != Rank::Kept, "{left:?} left for a stranger");
        for other in self.residents.iter().map(Resident::occupant).filter(|it| it.idle_since.is_some()) {
            assert!((rank, idle_since) <= (other.rank, other.idle_since), "{left:?} left before {other:?}");
        }
        if newcomer.is_stranger() && rank == Rank::Proven {
            assert!(self.count(|it| it == Rank::Unproven) < self.limits.unproven, "{left:?} is well");
        }
    }

    /// Who is refused finds nobody idle whose place it could take.
    fn assert_full(&self, newcomer: Rank, why: TooManyPeers) {
        let idle = |rank| {
            self.residents.iter().any(|it| it.occupant().idle_since.is_some() && it.occupant().rank == rank)
        };
        assert!(!idle(Rank::Unproven), "{why}");
        if newcomer == Rank::Kept {
            assert!(
                why == TooManyPeers::All(self.limits.all) && !idle(Rank::Proven) && !idle(Rank::Kept),
                "{why}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn strangers_never_pass_their_share_and_never_take_the_place_of_others(
        most in 1..24_usize,
        wanted in 1..16_usize,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let settings = UpstreamSettings { max_peers: most, max_stranger_peers: wanted, ..UpstreamSettings::default() };
        let mut town = Town { limits: PeerLimits::new(&settings), residents: Vec::new(), now: Instant::now() };
        for step in steps {
            town.now += Duration::from_secs(1);
            let there = town.residents.len();
            match step {
                Step::Ask { host, kind, keeps } => town.ask(host, kind, keeps),
                Step::Leave(which) if there > 0 => town.residents[which % there].held = 0,
                Step::Prove(which) if there > 0 => town.residents[which % there].proven = true,
                Step::Leave(_) | Step::Prove(_) => {}
            }
            prop_assert!(town.residents.len() <= most);
            prop_assert!(town.count(Rank::is_stranger) <= wanted.min(most.div_ceil(2)));
            prop_assert!(town.count(|it| it == Rank::Unproven) <= town.limits.unproven);
        }
        // A place that was given up comes back.
        town.residents.iter_mut().for_each(|it| it.held = 0);
        let kept = town.count(|it| it == Rank::Kept);
        for host in 0..=u8::MAX {
            town.ask(host, PeerKind::Stranger, false);
            prop_assert!(kept >= most || town.residents.iter().any(|it| it.host == host && it.kind == PeerKind::Stranger));
        }
        prop_assert_eq!(town.count(|it| it == Rank::Kept), kept);
    }

    #[test]
    fn what_is_well_does_not_leave_for_made_up_names(hosts in prop::collection::vec((any::<u8>(), any::<bool>()), 1..200)) {
        let settings = UpstreamSettings { max_peers: 16, max_stranger_peers: 8, ..UpstreamSettings::default() };
        let mut town = Town { limits: PeerLimits::new(&settings), residents: Vec::new(), now: Instant::now() };
        // As many push services as have half of the share have brought a good answer, and are idle.
        for host in 0..4 {
            town.ask(host, PeerKind::Stranger, false);
            town.residents[usize::from(host)].proven = true;
        }
        for (host, keeps) in hosts {
            town.now += Duration::from_secs(1);
            town.ask(host, PeerKind::Claimed, keeps);
        }
        prop_assert_eq!(town.count(|it| it == Rank::Proven), 4);
    }
}
