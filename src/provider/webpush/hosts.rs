//! Whose push service a host is, and whether an app may send to it.
//!
//! Endpoints come from browsers, and so from anybody. Without a list of hosts the gateway would send requests to
//! wherever a caller's user likes.

use fanfare_upstream::{Origin, PeerKind};

use crate::push::InvalidValue;

/// Whose push service it is. Each answers in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Firefox, whose push service is autopush.
    Mozilla,
    /// Chrome and most browsers built from it.
    Google,
    /// Safari.
    Apple,
    /// Edge.
    Microsoft,
    /// A host that the operator lists. It may speak as any of them.
    Other,
}

impl Vendor {
    /// The longest time to live that counts, in seconds. The push service shortens a longer one by itself.
    ///
    /// Sources: github.com/mozilla-services/autopush-rs, `docs/src/http.md`, TTL; Apple, "Sending web push
    /// notifications in web apps and browsers", TTL; Microsoft, "WNS overview", where a channel lives 30 days; for
    /// Google, Firebase, "REST Resource: projects.messages", `ttl`.
    pub(super) fn max_ttl_seconds(self) -> u64 {
        const DAY: u64 = 24 * 60 * 60;
        match self {
            Self::Google => 28 * DAY,
            Self::Mozilla | Self::Apple | Self::Microsoft | Self::Other => 30 * DAY,
        }
    }
}

/// Hosts that no operator has to list. The vendors themselves advise the wildcards for filters by host.
///
/// Sources: github.com/mozilla-services/autopush-rs, `docs/src/http.md`; github.com/web-push-libs/web-push, issue
/// 940, on Google's; for jmt17.google.com, where Chromium subscribes that was built without Google's keys, and for
/// web.push.apple.com, endpoints as senders report them; Apple, WWDC22, "Meet Web Push for Safari"; Microsoft, "WNS
/// overview", on channel URIs.
const KNOWN: [(&str, Vendor); 6] = [
    ("updates.push.services.mozilla.com", Vendor::Mozilla),
    ("fcm.googleapis.com", Vendor::Google),
    ("jmt17.google.com", Vendor::Google),
    ("web.push.apple.com", Vendor::Apple),
    ("*.push.apple.com", Vendor::Apple),
    ("*.notify.windows.com", Vendor::Microsoft),
];

/// The hosts that an app may send to.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    more: Vec<String>,
}

impl Hosts {
    pub(super) fn try_new(hosts: &[String]) -> Result<Self, InvalidValue> {
        let more = hosts.iter().map(|host| pattern(host)).collect::<Result<_, _>>()?;
        Ok(Self { more })
    }

    /// Whose host it is, given in lower case and without brackets; none where the app may not send to it.
    pub(super) fn vendor(&self, host: &str) -> Option<Vendor> {
        let known = KNOWN.iter().find(|(pattern, _)| matches(pattern, host)).map(|(_, vendor)| *vendor);
        known.or_else(|| self.more.iter().any(|pattern| matches(pattern, host)).then_some(Vendor::Other))
    }

    /// How well an origin is known that an app may send to. Anybody can make up names below a domain, also below a vendor's, and
    /// ports of a host where others than 443 are taken.
    pub(super) fn kind(&self, host: &str, port: u16) -> PeerKind {
        let (listed, known) =
            (self.more.iter().any(|it| it == host), KNOWN.iter().any(|(known, _)| *known == host));
        if (listed || known) && port != 443 {
            PeerKind::Claimed
        } else if listed {
            PeerKind::Configured
        } else if known {
            PeerKind::Known
        } else if KNOWN.iter().any(|(pattern, _)| matches(pattern, host)) {
            PeerKind::Claimed
        } else {
            PeerKind::Stranger
        }
    }
}

/// Whether a host fits a pattern. Both are compared as texts, so an address in another notation is another host.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == pattern,
    }
}

fn pattern(text: &str) -> Result<String, InvalidValue> {
    let invalid = || {
        let expected =
            "a host such as push.example.com, *.example.com or an address, without scheme, port and path";
        InvalidValue::invalid(expected, format!("{text:?}"))
    };
    let lower = text.to_ascii_lowercase();
    let address = lower.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(&lower);
    if address.contains(':') {
        let origin = format!("https://[{address}]").parse::<Origin>();
        return origin.map(|_| address.to_owned()).map_err(|_| invalid());
    }
    let name = lower.strip_prefix("*.").unwrap_or(&lower);
    let wildcard_of_addresses = name.len() < lower.len() && ends_in_digits(name);
    if !is_name(name) || wildcard_of_addresses || format!("https://{name}").parse::<Origin>().is_err() {
        return Err(invalid());
    }
    Ok(lower)
}

/// Whether a host consists of labels of letters, digits and hyphens in lower case, as in DNS and certificates.
///
/// Source: RFC 1035, section 2.3.
pub(super) fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

/// Whether the last label of a name is a number. Such a name is an address, or is taken for one.
///
/// Source: WHATWG, "URL Standard", ends in a number checker.
fn ends_in_digits(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()))
}
