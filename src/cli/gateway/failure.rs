//! Says in one sentence why a gateway cannot be reached, or a call has ended, and what to do about it.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use rustls::InvalidMessage::InvalidContentType;
use tonic::{Status, TimeoutExpired};

use crate::cli::content::describe;

/// Whether the status was received. One that tonic makes because the connection broke has the connection's error as its
/// source.
pub(in crate::cli) fn is_from_the_gateway(status: &Status) -> bool {
    status.source().is_none()
}

/// Whether the call ended because its connection broke.
pub(super) fn is_from_the_connection(status: &Status) -> bool {
    !is_from_the_gateway(status) && !is_over_time(status)
}

/// Says why a call ended.
pub(in crate::cli) fn why(status: &Status) -> String {
    if is_from_the_gateway(status) {
        return describe(status);
    }
    if is_over_time(status) {
        return "the gateway gave no verdict in time (--timeout)".to_owned();
    }
    format!("the connection to the gateway broke: {}", cause(status))
}

/// Whether tonic ended the call because its time was over.
fn is_over_time(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Says what is at the bottom of an error of the connection.
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    loop {
        if let Some(error) = tls_error(cause) {
            return explain(error);
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => return cause.to_string(),
        }
    }
}

/// Returns the error of TLS, if it is one. One that came through a socket is not the source of the socket's error, but a
/// part of it.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref())
}

/// Says what to do about an error of TLS.
fn explain(error: &rustls::Error) -> String {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    use rustls::Error::{InvalidCertificate, InvalidMessage};
    // The signature is bad where another CA has the name of one that is trusted.
    if matches!(error, InvalidCertificate(UnknownIssuer | BadSignature)) {
        return "its certificate comes from a CA that is not trusted here; name the file of that CA by --ca"
            .to_owned();
    }
    if matches!(error, InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) {
        return format!("its certificate is for another name than its address has ({error})");
    }
    if matches!(error, InvalidCertificate(Expired | ExpiredContext { .. })) {
        return format!("its certificate has expired, or the clock here is wrong ({error})");
    }
    if matches!(error, InvalidMessage(InvalidContentType)) {
        return "it does not speak TLS there; a gateway without TLS has an address of http://".to_owned();
    }
    error.to_string()
}
