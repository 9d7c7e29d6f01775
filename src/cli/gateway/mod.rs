//! The gateway that a command calls: where it is, whom the command trusts, and what it shows of itself.

mod address;
mod admin;
mod args;
mod credentials;
mod failure;
mod token;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::proto::push_service_client::PushServiceClient;
use address::{endpoint, is_loopback, uses_tls};
pub(super) use admin::{AdminListener, AllListen};
pub(super) use args::GatewayArgs;
use credentials::Credentials;
pub(super) use failure::{is_from_the_gateway, why};

/// How long connecting and the TLS handshake may each take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection with an open call that was silent for so long is pinged.
const PING_AFTER: Duration = Duration::from_secs(20);

/// A connection that does not answer a ping within this time is lost.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How many bytes of results the gateway may send before the command has read them.
const RECEIVE_WINDOW: u32 = 1024 * 1024;

/// A gateway that a command can connect to.
#[derive(Clone)]
pub(super) struct RemoteGateway {
    address: String,
    endpoint: Endpoint,
    args: Arc<GatewayArgs>,
}

impl RemoteGateway {
    /// Reads an address, and checks that the flags may be used with it. The files are read later.
    ///
    /// # Errors
    /// Fails if the address cannot be connected to, or if a flag would have no effect or give the token away.
    pub(super) fn new(address: &str, args: &Arc<GatewayArgs>) -> anyhow::Result<Self> {
        let endpoint = endpoint(address)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .initial_stream_window_size(RECEIVE_WINDOW)
            .initial_connection_window_size(RECEIVE_WINDOW);
        let uri = endpoint.uri();
        if !uses_tls(uri) {
            for (flag, file) in [("--ca", &args.ca), ("--cert", &args.cert)] {
                ensure!(
                    file.is_none(),
                    "--to {address}: {flag} has no effect without TLS; expected https://…"
                );
            }
            ensure!(
                args.token_file.is_none() || is_loopback(uri),
                "--to {address}: --token-file would send the token unencrypted; expected https://…, or an address of \
                 this machine's loopback such as http://127.0.0.1:50051"
            );
        }
        Ok(Self { address: address.to_owned(), endpoint, args: Arc::clone(args) })
    }

    /// Connects, with what the files hold now.
    ///
    /// # Errors
    /// Fails if a file cannot be used, or the gateway cannot be reached or is not trusted.
    pub(super) async fn connect(&self) -> anyhow::Result<GatewayConnection> {
        let credentials = Credentials::read(&self.args)?;
        let mut endpoint = self.endpoint.clone();
        let uses_tls = uses_tls(endpoint.uri());
        if uses_tls {
            let tls = credentials.tls(self.args.ca.as_deref())?.timeout(CONNECT_TIMEOUT);
            endpoint = endpoint.tls_config(tls).with_context(|| format!("--to {}", self.address))?;
        }
        match endpoint.connect().await {
            Ok(channel) => {
                Ok(GatewayConnection { channel, uses_tls, credentials, args: Arc::clone(&self.args) })
            }
            Err(error) => {
                bail!("cannot connect to the gateway at {}: {}", self.address, failure::cause(&error))
            }
        }
    }
}

/// A connection to a gateway, and what the command shows on it.
pub(super) struct GatewayConnection {
    channel: Channel,
    uses_tls: bool,
    credentials: Credentials,
    args: Arc<GatewayArgs>,
}

impl GatewayConnection {
    /// Returns the stub to call the gateway by.
    pub(super) fn client(&self) -> PushServiceClient<Channel> {
        PushServiceClient::new(self.channel.clone())
    }

    /// Makes a request that shows the token.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = self.credentials.authorization() {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }

    /// Says why the first call on this connection ended.
    pub(super) fn why_first_ended(&self, status: &Status) -> String {
        let why = why(status);
        if failure::is_from_the_connection(status) { self.with_advice(&why) } else { why }
    }

    /// Adds to the reason why this connection broke at once what may be done about it. With TLS 1.3 a gateway refuses a
    /// client certificate only after the handshake, and one that speaks TLS ends a connection without: what it says of that
    /// may be lost with the connection.
    pub(super) fn with_advice(&self, why: &str) -> String {
        if self.uses_tls {
            return format!("{why}; it may ask for a client certificate, or for another one (--cert, --key)");
        }
        format!("{why}; it may speak TLS, which an address of https:// asks for")
    }

    /// Whether the files still hold what is shown on this connection, so that another one would show the same. Files that
    /// cannot be read now may be in the middle of their renewal.
    pub(super) fn shows_what_files_hold(&self) -> bool {
        Credentials::read(&self.args).is_ok_and(|now| now.digest() == self.credentials.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_have_no_effect_or_give_a_token_away_are_refused() {
        let file = || Some("file".into());
        let none = GatewayArgs { ca: None, cert: None, key: None, token_file: None };
        let ca = GatewayArgs { ca: file(), ..none.clone() };
        let cert = GatewayArgs { cert: file(), key: file(), ..none.clone() };
        let token = GatewayArgs { token_file: file(), ..none.clone() };
        for (address, args, refused) in [
            ("http://gateway.example", &none, None),
            ("http://127.0.0.1:50051", &token, None),
            ("https://gateway.example", &token, None),
            ("https://gateway.example", &ca, None),
            ("https://gateway.example", &cert, None),
            ("http://127.0.0.1:50051", &ca, Some("--ca has no effect without TLS")),
            ("http://127.0.0.1:50051", &cert, Some("--cert has no effect without TLS")),
            ("http://gateway.example", &token, Some("would send the token unencrypted")),
        ] {
            let error = RemoteGateway::new(address, &Arc::new(args.clone())).err().map(|it| it.to_string());
            match refused {
                None => assert_eq!(error, None, "{address} {args:?}"),
                Some(why) => assert!(error.is_some_and(|it| it.contains(why)), "{address} {args:?}"),
            }
        }
    }
}
