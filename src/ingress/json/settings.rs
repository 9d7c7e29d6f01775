//! What the configuration says of this ingress.

/// What the configuration says of this ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonSettings {
    /// The largest push, in bytes as it is written.
    pub max_push_bytes: usize,
}

impl Default for JsonSettings {
    fn default() -> Self {
        // As a push over gRPC may have by default (grpc.max_push_bytes).
        Self { max_push_bytes: 64 * 1024 }
    }
}
