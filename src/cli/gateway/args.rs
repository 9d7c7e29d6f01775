//! The flags that say whom a command trusts, and what it shows of itself.

use std::path::PathBuf;

use clap::Args;

/// The flags that say whom a command trusts, and what it shows of itself.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct GatewayArgs {
    /// A file with certificates of CAs, as PEM. The gateway's certificate is verified by them and by those of the operating
    /// system.
    #[arg(long, env = "FANFARE_CA", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// A file with the client certificate that is shown to the gateway, as PEM. Certificates that lead to its CA may follow.
    #[arg(long, env = "FANFARE_CERT", value_name = "FILE", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// A file with the private key of the client certificate, as PEM.
    #[arg(long, env = "FANFARE_KEY", value_name = "FILE", requires = "cert", hide_env_values = true)]
    pub(super) key: Option<PathBuf>,
    /// A file with the token that is shown to the gateway: a JWT, or a key that `fanfare caller-key` made. This file and the
    /// client certificate are read anew for each call or stream, because they are renewed on disk.
    #[arg(long, env = "FANFARE_TOKEN_FILE", value_name = "FILE", hide_env_values = true)]
    pub(super) token_file: Option<PathBuf>,
}
