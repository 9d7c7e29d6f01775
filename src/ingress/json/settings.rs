//! What the configuration says of this ingress.

/// What the configuration says of this ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonSettings {
    /// The longest line of a batch, in bytes.
    pub max_line_bytes: usize,
}

impl Default for JsonSettings {
    fn default() -> Self {
        // As a push over gRPC may have by default (grpc.max_push_bytes).
        Self { max_line_bytes: 64 * 1024 }
    }
}
