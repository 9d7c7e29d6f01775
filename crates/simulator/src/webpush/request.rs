//! Reads what the headers of a message ask for. Source: RFC 8030, 5; RFC 8291, 4.

use http::{HeaderMap, HeaderValue};

use super::refusal::WebPushRefusal;
use super::vendor::Vendor;

/// The most bytes of a body. A service has to take as many, and none takes more. Source: RFC 8030, 7.2.
pub(super) const MAX_BODY: u64 = 4096;

/// A larger `TTL` counts as this. Source: RFC 8030, 5.2; RFC 9111, 1.2.2.
const MAX_TTL: u64 = 1 << 31;

/// The most characters of a `Topic`. Source: RFC 8030, 5.4.
const MAX_TOPIC: usize = 32;

/// How soon a message is wanted. Source: RFC 8030, 5.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// The message is wanted when the device is on power and on Wi-Fi.
    VeryLow,
    /// The message is wanted when the device is on power or on Wi-Fi.
    Low,
    /// The message is wanted when the device is on neither.
    #[default]
    Normal,
    /// The message is wanted even when the battery is low.
    High,
}

/// The headers of a message that is in order.
pub(super) struct MessageHeaders {
    /// For how many seconds the message is kept.
    pub(super) ttl: u64,
    pub(super) urgency: Urgency,
    pub(super) topic: Option<String>,
}

impl MessageHeaders {
    pub(super) fn read(vendor: Vendor, headers: &HeaderMap, body: u64) -> Result<Self, WebPushRefusal> {
        let ttl = ttl(headers)?.min(vendor.max_ttl());
        let urgency = urgency(headers)?;
        let topic = topic(headers)?;
        if vendor == Vendor::Microsoft && ttl == 0 {
            // WNS keeps messages unless the sender forbids it. Source: web-push-libs/pywebpush#162.
            let policy = headers.get("x-wns-cache-policy");
            if policy.is_none_or(|policy| policy != "no-cache") {
                return Err(WebPushRefusal::CachePolicy);
            }
        }
        let coded = one(headers, "content-encoding").map_err(|_| WebPushRefusal::BadEncoding)?;
        let fits = match coded {
            Some(coding) => coding == "aes128gcm" && body > 0,
            None => body == 0,
        };
        if !fits {
            return Err(WebPushRefusal::BadEncoding);
        }
        if body > MAX_BODY {
            return Err(WebPushRefusal::TooLarge);
        }
        Ok(Self { ttl, urgency, topic })
    }
}

fn ttl(headers: &HeaderMap) -> Result<u64, WebPushRefusal> {
    let value = one(headers, "ttl").map_err(|_| WebPushRefusal::BadTtl)?.ok_or(WebPushRefusal::NoTtl)?;
    let text = value.to_str().map_err(|_| WebPushRefusal::NoTtl)?;
    if text.strip_prefix('-').is_some_and(is_number) {
        return Err(WebPushRefusal::BadTtl);
    }
    if !is_number(text) {
        return Err(WebPushRefusal::NoTtl);
    }
    // Digits that do not fit into a u64 are a large number.
    Ok(text.parse().unwrap_or(MAX_TTL).min(MAX_TTL))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn urgency(headers: &HeaderMap) -> Result<Urgency, WebPushRefusal> {
    let value = one(headers, "urgency").map_err(|_| WebPushRefusal::BadUrgency)?;
    match value.map(HeaderValue::as_bytes) {
        None => Ok(Urgency::default()),
        Some(b"very-low") => Ok(Urgency::VeryLow),
        Some(b"low") => Ok(Urgency::Low),
        Some(b"normal") => Ok(Urgency::Normal),
        Some(b"high") => Ok(Urgency::High),
        Some(_) => Err(WebPushRefusal::BadUrgency),
    }
}

fn topic(headers: &HeaderMap) -> Result<Option<String>, WebPushRefusal> {
    let Some(value) = one(headers, "topic").map_err(|_| WebPushRefusal::BadTopic)? else { return Ok(None) };
    let of_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = (1..=MAX_TOPIC).contains(&value.len()) && value.as_bytes().iter().all(of_base64url);
    let topic = value.to_str().ok().filter(|_| fits).ok_or(WebPushRefusal::BadTopic)?;
    Ok(Some(topic.to_owned()))
}

/// A header that may be there once is there more than once.
struct Repeated;

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}
