//! What is told of a certificate that the configuration names: whose it is, when it ends, and to which topics of APNs it
//! may be used to push.

use std::net::IpAddr;

use fanfare_upstream::{Validity, tls};
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::{Any, FromDer, Tag};
use x509_parser::extensions::GeneralName;

/// The extension of a certificate of APNs that lists its topics. Source: Apple, "Sending notification requests to APNs".
const APNS_TOPICS: &str = "1.2.840.113635.100.6.3.6";

/// The user id of a subject, which is the bundle id in a certificate of one app. Source: RFC 4519, section 2.39, and Apple,
/// "Sending notification requests to APNs".
const USER_ID: &str = "0.9.2342.19200300.100.1.1";

/// How deep the list of topics is followed. In certificates that were seen it is two levels deep.
const MOST_LEVELS: usize = 8;

/// A certificate that the gateway shows, to callers or to a push service.
#[derive(Debug, Clone)]
pub struct ShownCertificate {
    /// The key of the configuration that names its file.
    pub key: String,
    /// The names that it stands for, or its common name where it has none.
    pub names: Vec<String>,
    /// When it is valid.
    pub validity: Validity,
    /// The topics of APNs that it lists; none where it lists nothing.
    pub apns_topics: Vec<String>,
}

impl ShownCertificate {
    /// Reads the first certificate of a PEM text. There is none where it cannot be read, which the reader says by itself.
    pub(super) fn read(key: &str, pem: &[u8]) -> Option<Self> {
        let certificates = tls::parse_certificates(pem).ok()?;
        let leaf = certificates.first()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
        let validity = Validity::of(leaf)?;
        Some(Self { key: key.to_owned(), names: names(&parsed), validity, apns_topics: topics(&parsed) })
    }

    /// Whether APNs takes pushes to a topic by this certificate, as far as it says.
    #[must_use]
    pub(crate) fn covers(&self, topic: &str) -> bool {
        self.apns_topics.is_empty() || self.apns_topics.iter().any(|own| own == topic)
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let alternatives = alternatives.map_or(&[][..], |names| &names.value.general_names);
    let named: Vec<_> = alternatives.iter().filter_map(name).collect();
    if !named.is_empty() {
        return named;
    }
    certificate
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok())
        .map(str::to_owned)
        .collect()
}

/// A name by which the gateway is called, or that it has as a workload.
fn name(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(name) | GeneralName::URI(name) = name {
        return Some((*name).to_owned());
    }
    let GeneralName::IPAddress(bytes) = name else { return None };
    let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).map(|address| address.to_string()).ok()
}

/// The topics of the extension, or the bundle id of the subject where it has none.
fn topics(certificate: &X509Certificate<'_>) -> Vec<String> {
    let listed =
        certificate.extensions().iter().find(|extension| extension.oid.to_id_string() == APNS_TOPICS);
    let mut topics = Vec::new();
    if let Some(extension) = listed {
        collect_texts(extension.value, MOST_LEVELS, &mut topics);
    }
    if topics.is_empty() {
        let attributes = certificate.subject().iter_attributes();
        let ids = attributes.filter(|attribute| attribute.attr_type().to_id_string() == USER_ID);
        topics.extend(ids.filter_map(|id| id.as_str().ok()).map(str::to_owned));
    }
    topics
}

/// Collects the texts of nested sequences: a topic is followed by a sequence of texts that say what it is for, such as
/// `voip`, which are collected as well and name no topic.
fn collect_texts(der: &[u8], levels: usize, texts: &mut Vec<String>) {
    let mut rest = der;
    while let (Some(below), Ok((after, any))) = (levels.checked_sub(1), Any::from_der(rest)) {
        match any.tag() {
            Tag::Sequence => collect_texts(any.data, below, texts),
            Tag::Utf8String | Tag::Ia5String | Tag::PrintableString => {
                texts.extend(std::str::from_utf8(any.data).ok().map(str::to_owned));
            }
            _ => {}
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair};

    use super::*;

    fn made(change: impl FnOnce(&mut CertificateParams)) -> ShownCertificate {
        let mut params = CertificateParams::default();
        change(&mut params);
        let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        ShownCertificate::read("grpc.tls", pem.as_bytes()).unwrap()
    }

    #[test]
    fn the_topics_of_a_certificate_are_those_of_its_extension_or_of_its_subject() {
        let extension = made(|params| {
            // SEQUENCE { UTF8String "com.a", SEQUENCE { UTF8String "app" }, UTF8String "com.a.voip" }
            let der = b"\x30\x1a\x0c\x05com.a\x30\x05\x0c\x03app\x0c\x0acom.a.voip".to_vec();
            let oid = [1, 2, 840, 113_635, 100, 6, 3, 6];
            params.custom_extensions = vec![CustomExtension::from_oid_content(&oid, der)];
        });
        assert!(extension.covers("com.a") && extension.covers("com.a.voip") && !extension.covers("com.b"));
        let subject = made(|params| {
            let user_id = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
            params.distinguished_name.push(user_id, "com.a");
        });
        assert!(subject.covers("com.a") && !subject.covers("com.b"));
        assert!(made(|_| {}).covers("com.b"), "one that says nothing forbids nothing");
    }

    #[test]
    fn it_is_named_by_what_it_stands_for() {
        let named = CertificateParams::new(["a.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        assert_eq!(made(|params| *params = named).names, ["a.example", "127.0.0.1"]);
        let common = made(|params| params.distinguished_name.push(DnType::CommonName, "only me"));
        assert_eq!(common.names, ["only me"]);
        assert!(ShownCertificate::read("grpc.tls", b"no certificate").is_none());
    }
}
