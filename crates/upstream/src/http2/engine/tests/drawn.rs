//! Drawn operations.

use proptest::prelude::*;

use super::operation::RECORD;
use super::session;

proptest! {
    #[test]
    fn every_request_ends_once_and_the_peer_sees_only_what_it_allowed(
        operations in prop::collection::vec(any::<[u8; RECORD]>(), 0..150),
    ) {
        session::run(&operations.concat());
    }
}
