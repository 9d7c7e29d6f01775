//! The admin listener of a gateway, which is asked by HTTP/1.1.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::{is_loopback, uses_tls};
use super::args::GatewayArgs;
use super::credentials::Credentials;
use super::failure::cause;

/// How long connecting, the TLS handshake and the head of the answer may take together.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// As many listen to the events of a gateway as may. What they are told it tells once as well.
#[derive(Debug, Error)]
#[error("as many listen to it as may")]
pub(in crate::cli) struct AllListen;

/// The admin listener of a gateway.
pub(in crate::cli) struct AdminListener {
    address: String,
    uri: Uri,
    host: String,
    authority: HeaderValue,
    args: GatewayArgs,
}

impl AdminListener {
    /// Reads an address, which may have a path where a proxy stands in front. The files are read later.
    ///
    /// # Errors
    /// Fails if the address cannot be connected to, or if a flag would give the token away.
    pub(in crate::cli) fn new(address: &str, args: GatewayArgs) -> anyhow::Result<Self> {
        // This is checked first, so that no other error repeats a password.
        ensure!(
            !address.contains('@'),
            "expected an address without a user and a password, such as https://gateway.example:9464; --token-file names \
             a file with what the gateway asks for"
        );
        let expected = || {
            anyhow!(
                "{address}: expected an address such as http://127.0.0.1:9464 or https://gateway.example:9464"
            )
        };
        let uri: Uri = address.trim_end_matches('/').parse().map_err(|_| expected())?;
        let authority = uri.authority().ok_or_else(expected)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let behind = authority.as_str().strip_prefix(authority.host());
        let good_port = behind == Some("") || authority.port_u16().is_some_and(|port| port != 0);
        ensure!(is_http && good_port && !authority.host().is_empty() && uri.query().is_none(), expected());
        ensure!(
            uses_tls(&uri) || args.token_file.is_none() || is_loopback(&uri),
            "{address}: --token-file would send the token unencrypted; expected https://…, or an address of this \
             machine's loopback such as http://127.0.0.1:9464"
        );
        Ok(Self {
            address: address.to_owned(),
            host: authority.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| expected())?,
            uri,
            args,
        })
    }

    /// Where it is.
    pub(in crate::cli) fn address(&self) -> &str {
        &self.address
    }

    /// Asks for a path on a connection of its own, showing what the files hold now. The body of the answer is still to be
    /// read.
    ///
    /// # Errors
    /// Fails if a file cannot be used, if the gateway cannot be reached or is not trusted, or if its answer is no 200.
    pub(in crate::cli) async fn get(&self, path: &str) -> anyhow::Result<Response<Incoming>> {
        let answer = timeout(ANSWER_TIMEOUT, self.ask(path)).await;
        let answer =
            answer.map_err(|_| anyhow!("it gives no answer within {} s", ANSWER_TIMEOUT.as_secs()))??;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!(
                "it answers {}: it tells this to callers with `admin = true` alone, and --token-file names the token of one",
                answer.status().as_u16()
            ),
            StatusCode::SERVICE_UNAVAILABLE => Err(AllListen.into()),
            StatusCode::NOT_FOUND => bail!("it answers 404: this is not the admin listener of a gateway"),
            status => bail!("it answers {}", status.as_u16()),
        }
    }

    async fn ask(&self, path: &str) -> anyhow::Result<Response<Incoming>> {
        let credentials = Credentials::read(&self.args)?;
        let port = self.uri.port_u16().unwrap_or(if uses_tls(&self.uri) { 443 } else { 80 });
        let socket = TcpStream::connect((self.host.as_str(), port)).await.context("it cannot be reached")?;
        let mut connection = if uses_tls(&self.uri) {
            let tls = TlsConnector::from(credentials.tls_of_http1(self.args.ca.as_deref())?);
            let name = ServerName::try_from(self.host.clone())?;
            let socket = tls.connect(name, socket).await.map_err(|error| anyhow!("{}", cause(&error)))?;
            over(TokioIo::new(socket)).await?
        } else {
            over(TokioIo::new(socket)).await?
        };
        let mut request = Request::get(format!("{}{path}", self.uri.path().trim_end_matches('/')))
            .header(HOST, self.authority.clone())
            .body(Empty::new())?;
        if let Some(authorization) = credentials.authorization() {
            let mut value = HeaderValue::from_bytes(authorization.as_encoded_bytes())?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let answer = connection.send_request(request).await;
        answer.map_err(|error| anyhow!("the connection broke: {}", cause(&error)))
    }
}

/// Speaks HTTP over a socket. The task ends with its connection, which ends when nobody reads its answer any more.
async fn over<S>(socket: S) -> anyhow::Result<SendRequest<Empty<Bytes>>>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (requests, connection) = handshake(socket).await?;
    tokio::spawn(async move {
        // What ends it is told to whoever reads the answer.
        let _ = connection.await;
    });
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_have_a_path_but_no_password_and_no_token_in_the_clear() {
        let none = GatewayArgs { ca: None, cert: None, key: None, token_file: None };
        let token = GatewayArgs { token_file: Some("file".into()), ..none.clone() };
        for (address, args, refused) in [
            ("http://127.0.0.1:9464", &token, None),
            ("http://[::1]:9464/", &token, None),
            ("https://ops.example/fanfare/", &token, None),
            ("http://gateway.example:9464", &none, None),
            ("http://gateway.example:9464", &token, Some("would send the token unencrypted")),
            ("https://user:secret@gateway.example", &none, Some("without a user")),
            ("127.0.0.1:9464", &none, Some("expected an address such as")),
            ("ftp://127.0.0.1:9464", &none, Some("expected an address such as")),
            ("http://127.0.0.1:0", &none, Some("expected an address such as")),
            ("http://127.0.0.1:9464?a", &none, Some("expected an address such as")),
            ("", &none, Some("expected an address such as")),
        ] {
            let error = AdminListener::new(address, args.clone()).err().map(|it| it.to_string());
            match refused {
                None => assert_eq!(error, None, "{address}"),
                Some(why) => assert!(
                    error.as_ref().is_some_and(|it| it.contains(why) && !it.contains("secret")),
                    "{address}: {error:?}"
                ),
            }
        }
    }
}
