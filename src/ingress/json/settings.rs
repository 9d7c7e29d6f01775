//! What the configuration says of this ingress.

/// What the configuration says of this ingress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonSettings {}
