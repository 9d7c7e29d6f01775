//! A caller is whoever hands pushes in at the desk.

/// Names who hands pushes in at the desk, whichever ingress they came by. Each look-up of an app names its caller, so
/// that what a caller may send is asked in one place, `lookup.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A caller who did not say who it is. Callers are not authenticated yet, so this is everybody.
    Anonymous,
}
