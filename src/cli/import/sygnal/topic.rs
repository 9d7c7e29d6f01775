//! The bundle id of a certificate of Apple, by which sygnal knows the topic of an app that names none.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;

/// The user id in a certificate's subject, where Apple writes the bundle id.
///
/// Source: RFC 4519, section 2.39; Apple, "Establishing a certificate-based connection to APNs".
const USER_ID: &[u64] = &[0, 9, 2342, 19_200_300, 100, 1, 1];

/// The bundle id of the first certificate of a file, where it can be read.
pub(super) fn topic_of(file: &str) -> Option<String> {
    let certificate = CertificateDer::from_pem_file(file).ok()?;
    let (_, certificate) = X509Certificate::from_der(&certificate).ok()?;
    let user_id = Oid::from(USER_ID).ok()?;
    let topic = certificate.subject().iter_by_oid(&user_id).next()?.as_str().ok()?;
    Some(topic.to_owned())
}
