//! On which terms a path is served.

use crate::caller::Rpc;

/// On which terms a path is served. Each ingress says those of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// The methods that it takes, as `Allow` names them: `POST`, or `GET, HEAD`.
    pub(crate) methods: &'static str,
    /// The RPC that it is like, whose permission its caller needs. Where there is none, anybody may ask, and no body is read.
    pub(crate) rpc: Option<Rpc>,
    /// The largest body in bytes, where the listener takes as large ones.
    pub(crate) max_bytes: usize,
}

impl Terms {
    pub(super) fn take(&self, method: &http::Method) -> bool {
        // Nearly every path takes one method alone.
        self.methods == method.as_str() || self.methods.split(", ").any(|taken| taken == method.as_str())
    }
}
