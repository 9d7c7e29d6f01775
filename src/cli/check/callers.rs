//! Who may call, by what they are known, and what they may do.

use crate::caller::jwt::{IssuerSettings, JwksSource};
use crate::caller::{CallerSettings, CertificateIdentity, Listed};
use crate::config::Config;

use super::row::Row;

/// Whether a call that shows nothing is of somebody.
pub(super) fn everybody_may_call(config: &Config) -> bool {
    config.callers.is_empty() || config.callers.iter().any(|caller| caller.anonymous)
}

pub(super) fn caller(caller: &CallerSettings, config: &Config) -> Row {
    let permissions = &caller.permissions;
    let rate = permissions.rate.as_ref().map(|rate| rate.pushes_per_second_and_burst());
    let classes = [("interactive", permissions.interactive), ("bulk", permissions.bulk)];
    let classes: Vec<_> = classes.iter().filter(|(_, may)| *may).map(|(name, _)| *name).collect();
    Row::new(caller.name.as_str())
        .fact("known_by", known_by(caller, config))
        .fact("apps", listed(&permissions.apps, ToString::to_string))
        .fact("providers", listed(&permissions.providers, Clone::clone))
        .fact("topics", listed(&permissions.topics, Clone::clone))
        .fact("broadcasts", listed(&permissions.broadcasts, Clone::clone))
        .fact("rpcs", listed(&permissions.rpcs, |rpc| rpc.name().to_owned()))
        .fact("service_classes", classes)
        .fact("pushes_per_second", rate.map(|(rate, _)| rate))
        .fact("burst", rate.map(|(_, burst)| burst))
        .fact("max_streams", permissions.max_streams)
        .fact("weight", Some(permissions.weight).filter(|weight| *weight != 1))
        .fact("admin", permissions.admin)
}

fn known_by(caller: &CallerSettings, config: &Config) -> Vec<String> {
    let mut known_by = Vec::new();
    match caller.keys.len() {
        0 => {}
        1 => known_by.push("key".to_owned()),
        keys => known_by.push(format!("{keys}-keys")),
    }
    if let Some(certificate) = &caller.certificate {
        known_by.push(match certificate.identity() {
            CertificateIdentity::Spiffe(id) => format!("certificate:{id}"),
            CertificateIdentity::Dns(name) => format!("certificate:dns:{name}"),
            CertificateIdentity::CommonName(name) => format!("certificate:cn:{name}"),
        });
    }
    if let Some(token) = &caller.token {
        known_by.push(format!("token:{}:{}", token.issuer, token.name));
    }
    let stands_in = config.http.iter().filter(|http| http.caller.as_ref() == Some(&caller.name));
    known_by.extend(stands_in.map(|http| format!("nothing-at:{}", http.listener.listen)));
    if caller.anonymous {
        known_by.push("nothing".to_owned());
    }
    known_by
}

/// The entries of a list, or `*` for everything.
fn listed<T: Ord>(list: &Listed<T>, name: impl Fn(&T) -> String) -> Vec<String> {
    match list {
        Listed::Everything => vec!["*".to_owned()],
        Listed::These(entries) => entries.iter().map(name).collect(),
    }
}

pub(super) fn issuer(issuer: &IssuerSettings) -> Row {
    let keys = match &issuer.jwks {
        JwksSource::File(_) => "file".to_owned(),
        JwksSource::Fetched(fetch) => {
            format!("{}{}", fetch.origin, fetch.path.split('?').next().unwrap_or("/"))
        }
    };
    let algorithms: Vec<_> = issuer.algorithms.iter().map(ToString::to_string).collect();
    Row::new(&*issuer.name)
        .fact("issuer", issuer.issuer.clone())
        .fact("audiences", issuer.audiences.clone())
        .fact("claim", issuer.claim.clone())
        .fact("algorithms", algorithms)
        .fact("keys", keys)
}
