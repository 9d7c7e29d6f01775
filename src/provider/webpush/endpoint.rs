//! Where a subscription is, and whether the app may send there.
//!
//! An endpoint is a URL that an end user's browser chose, or that somebody made up. It is read strictly, so that no two
//! readers can differ about its host. Its path is opaque and goes out byte for byte.

use fanfare_upstream::{Origin, PeerKind};

use super::hosts::{Vendor, is_name};
use super::{Subscription, WebPush};
use crate::push::{Outcome, Reason, Refusal};

/// The field that a refusal names.
const FIELD: &str = "target.web_push.endpoint";

/// The host of subscriptions that a browser gave up by itself. Nothing answers there.
///
/// Source: github.com/Couchers-org/couchers, pull request 8212, on Edge for Android.
const PERMANENTLY_REMOVED: &str = "permanently-removed.invalid";

/// An endpoint that the app may send to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint<'a> {
    /// The host in lower case. An IPv6 address has no brackets.
    host: String,
    port: u16,
    /// Path and query.
    pub(super) path: &'a str,
    /// Whose host it is.
    pub(super) vendor: Vendor,
}

impl WebPush {
    /// The origin of a subscription, where the app may send to it, and how well its host is known.
    ///
    /// # Errors
    /// Fails if it may not, or the endpoint is not one. A subscription that its browser has given up is UNREGISTERED.
    pub(crate) fn origin(&self, subscription: &Subscription) -> Result<(Origin, PeerKind), Refusal> {
        let Endpoint { host, port, .. } = self.endpoint(subscription)?;
        let kind = self.hosts.kind(&host, port);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let origin = format!("https://{host}:{port}").parse();
        Ok((origin.map_err(|_| no_endpoint("a host that cannot be one"))?, kind))
    }

    pub(super) fn endpoint<'a>(&self, subscription: &'a Subscription) -> Result<Endpoint<'a>, Refusal> {
        let Parts { host, port, path } = parse(&subscription.endpoint).map_err(no_endpoint)?;
        if host == PERMANENTLY_REMOVED {
            return Err(removed());
        }
        let vendor = self.hosts.vendor(&host).ok_or_else(|| {
            let detail = format!(
                "expected an endpoint at a known push service, or at one that the app's web_push.hosts lists, found {host:?}"
            );
            Refusal::field(FIELD, Reason::FieldInvalid, detail)
        })?;
        if port != 443 && !self.any_port {
            return Err(no_endpoint("a port other than 443"));
        }
        Ok(Endpoint { host, port, path, vendor })
    }
}

/// Refuses what is not an endpoint. The refusal never shows it, because whoever has an endpoint may send to it.
pub(super) fn no_endpoint(found: &str) -> Refusal {
    let detail = format!("expected an https URL as a browser gives it, found {found}");
    Refusal::field(FIELD, Reason::FieldInvalid, detail)
}

fn removed() -> Refusal {
    Refusal {
        outcome: Outcome::Unregistered,
        reason: Reason::FieldInvalid,
        field: FIELD.into(),
        detail: "the browser has given this subscription up".to_owned(),
    }
}

struct Parts<'a> {
    host: String,
    port: u16,
    path: &'a str,
}

fn parse(url: &str) -> Result<Parts<'_>, &'static str> {
    const SCHEME: &str = "https://";
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("whitespace, or what is not ASCII");
    }
    // Some readers take a backslash for a slash.
    if url.contains('\\') {
        return Err("a backslash");
    }
    if url.contains('#') {
        return Err("a fragment");
    }
    let scheme = url.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
    let rest = scheme.and_then(|scheme| url.get(scheme.len()..)).ok_or("another scheme")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if !path.starts_with('/') {
        return Err("no path");
    }
    if authority.contains('@') {
        return Err("a user in it");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(inside) => inside.split_once(']').filter(|(host, _)| is_ipv6(host)),
        None => Some(authority.split_at(authority.find(':').unwrap_or(authority.len()))),
    }
    .ok_or("a host that cannot be one")?;
    let host = host.to_ascii_lowercase();
    if !authority.starts_with('[') && !is_name(&host) {
        return Err("a host that cannot be one");
    }
    Ok(Parts { host, port: self::port(port)?, path })
}

/// Whether it may be an IPv6 address without a zone. Whether it is a valid address is left to the list of hosts.
fn is_ipv6(inside: &str) -> bool {
    inside.contains(':') && inside.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
}

fn port(written: &str) -> Result<u16, &'static str> {
    if written.is_empty() {
        return Ok(443);
    }
    let digits = written.strip_prefix(':').filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    let port = digits.and_then(|digits| digits.parse().ok()).filter(|port| *port != 0);
    port.ok_or("a port that cannot be one")
}
