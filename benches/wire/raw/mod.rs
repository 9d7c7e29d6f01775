//! The raw parts show the least that the same work costs with the same libraries. They are frozen, because goals are ratios to
//! them and a change here would move every goal. `digest` says whether they are unchanged.

mod accepted;
pub(crate) mod echo;
pub(crate) mod h2loop;
mod transport;

use sha2::{Digest, Sha256};

/// The digest of the frozen source.
const FROZEN: &str = include_str!("frozen.sha256");

/// The digest of the compiled source, and whether it is the frozen one.
pub(crate) fn digest() -> (String, bool) {
    let source = [
        include_str!("accepted.rs"),
        include_str!("echo.rs"),
        include_str!("h2loop.rs"),
        include_str!("transport.rs"),
    ]
    .concat();
    let digest: String = Sha256::digest(source).iter().map(|byte| format!("{byte:02x}")).collect();
    let frozen = digest == FROZEN.trim();
    (digest, frozen)
}
