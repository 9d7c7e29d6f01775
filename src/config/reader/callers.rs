//! What the file says of one caller: what it may do, and by what it is known.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use fanfare_upstream::tls;
use rustls::RootCertStore;

use super::Reader;
use crate::caller::{
    CallerSettings, CertificateIdentity, CertificateRule, KeyDigest, Listed, Permissions, Rpc, SpiffeId,
    TokenRule,
};
use crate::config::{Config, file};
use crate::dispatch::PROVIDERS;
use crate::push::{AppId, visible_ascii};

/// The longest name of a caller, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The most keys of one caller. There are two while one replaces another.
const MAX_KEYS: usize = 8;

const SERVICE_CLASSES: [&str; 2] = ["interactive", "bulk"];

impl Reader<'_> {
    /// Reads a caller. `config` holds everything but the callers and the HTTP listeners. `stands_in` says whether one of those
    /// names it as the caller of calls that show nothing.
    pub(super) fn caller(
        &mut self,
        name: &str,
        file: file::Caller,
        config: &Config,
        stands_in: bool,
    ) -> Option<CallerSettings> {
        let key = format!("callers.{name}");
        self.ok(&key, visible_ascii("a caller", name, MAX_NAME_BYTES).map_err(|error| error.to_string()))?;
        let shows_nothing = file.key_sha256.is_empty() && file.certificate.is_none() && file.jwt.is_none();
        if shows_nothing && !file.anonymous && !stands_in {
            let expected = "expected something by which the caller is known: key_sha256, [callers.NAME.certificate], \
                            [callers.NAME.jwt], anonymous = true or caller of [[http]]; found none";
            self.error(&key, expected);
        }
        let permissions = self.permissions(&key, &file, config);
        let keys = self.keys(&format!("{key}.key_sha256"), &file.key_sha256);
        let certificate = match &file.certificate {
            Some(certificate) => Some(self.certificate_rule(&format!("{key}.certificate"), certificate)?),
            None => None,
        };
        if let Some(jwt) = &file.jwt {
            let at = |name: &str| format!("{key}.jwt.{name}");
            if !config.issuers.iter().any(|issuer| *issuer.name == *jwt.issuer) {
                let problem = format!("expected the name of one of [issuers.NAME], found {:?}", jwt.issuer);
                self.error(&at("issuer"), problem);
            }
            if jwt.name.is_empty() {
                self.error(&at("name"), "expected what the token's claim says, found nothing");
            }
        }
        let token = file.jwt.map(|jwt| TokenRule { issuer: jwt.issuer, name: jwt.name });
        let name = name.to_owned();
        Some(CallerSettings { name, permissions, keys, certificate, token, anonymous: file.anonymous })
    }

    fn permissions(&mut self, key: &str, file: &file::Caller, config: &Config) -> Permissions {
        let at = |name: &str| format!("{key}.{name}");
        let has_app = |name: &AppId| config.apps.iter().any(|app| app.id == *name);
        let apps = self.listed(&at("apps"), &file.apps, |name| match AppId::parse(name) {
            Ok(app) if has_app(&app) => Ok(app),
            Ok(_) | Err(_) => Err("the name of an app of this file".to_owned()),
        });
        let provider_names = PROVIDERS.iter().map(|kind| kind.name());
        let providers = self.listed(&at("providers"), &file.providers, one_of(provider_names));
        let rpcs = self.listed(&at("rpcs"), &file.rpcs, |name| {
            let names = Rpc::ALL.map(Rpc::name).join(", ");
            Rpc::ALL.into_iter().find(|rpc| rpc.name() == name).ok_or(format!("one of {names}"))
        });
        let classes =
            self.listed(&at("service_classes"), &file.service_classes, one_of(SERVICE_CLASSES.into_iter()));
        let topics = self.listed(&at("topics"), &file.topics, |name| Ok(name.to_owned()));
        let broadcasts = self.listed(&at("broadcasts"), &file.broadcasts, |id| Ok(id.to_owned()));
        let may_push = !file.rpcs.is_empty();
        if !may_push && !file.admin {
            self.error(&at("rpcs"), "expected what the caller may do, such as [\"SendPush\"], found nothing");
        }
        for (name, list) in
            [("apps", &file.apps), ("providers", &file.providers), ("service_classes", &file.service_classes)]
        {
            if may_push && list.is_empty() {
                let expected = "expected a list of what is permitted, or [\"*\"], found nothing: the caller could not \
                                send any push";
                self.error(&at(name), expected);
            }
        }
        if file.max_streams == Some(0) || file.weight == Some(0) {
            let name = if file.weight == Some(0) { "weight" } else { "max_streams" };
            self.error(&at(name), "expected more than 0, found 0");
        }
        let permissions = Permissions {
            apps,
            providers,
            topics,
            broadcasts,
            rpcs,
            interactive: classes.has("interactive"),
            bulk: classes.has("bulk"),
            max_streams: file.max_streams,
            weight: file.weight.unwrap_or(1),
            admin: file.admin,
            ..Permissions::nothing()
        };
        self.rate(key, file, permissions)
    }

    fn rate(&mut self, key: &str, file: &file::Caller, permissions: Permissions) -> Permissions {
        let Some(rate) = file.pushes_per_second else {
            if file.burst.is_some() {
                self.error(&format!("{key}.burst"), "expected pushes_per_second beside it, found none");
            }
            return permissions;
        };
        let rate = NonZeroU32::new(rate);
        let burst = file.burst.map_or(rate, NonZeroU32::new);
        let (Some(rate), Some(burst)) = (rate, burst) else {
            let name = if rate.is_none() { "pushes_per_second" } else { "burst" };
            self.error(&format!("{key}.{name}"), "expected more than 0, found 0");
            return permissions;
        };
        permissions.at_most(rate, burst)
    }

    /// Reads a list of what is permitted, or `*` for everything.
    fn listed<T: Ord>(
        &mut self,
        key: &str,
        list: &[String],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Listed<T> {
        if list.iter().any(|entry| entry == "*") {
            if list.len() > 1 {
                self.error(key, "expected \"*\" alone, found it beside others");
            }
            return Listed::Everything;
        }
        let mut parsed = BTreeSet::new();
        for entry in list {
            let entry =
                parse(entry).map_err(|expected| format!("expected {expected}, or \"*\", found {entry:?}"));
            parsed.extend(self.ok(key, entry));
        }
        Listed::These(parsed)
    }

    fn keys(&mut self, key: &str, digests: &[String]) -> Vec<KeyDigest> {
        if digests.len() > MAX_KEYS {
            self.error(key, format!("expected at most {MAX_KEYS} keys, found {}", digests.len()));
        }
        digests.iter().filter_map(|digest| self.ok(key, digest.parse::<KeyDigest>())).collect()
    }

    fn certificate_rule(&mut self, key: &str, file: &file::CallerCertificate) -> Option<CertificateRule> {
        let identity = match (&file.spiffe, &file.dns, &file.cn) {
            (Some(id), None, None) => {
                let id = self.ok(&format!("{key}.spiffe"), SpiffeId::parse(id))?;
                CertificateIdentity::Spiffe(id)
            }
            (None, Some(name), None) if !name.is_empty() && !name.contains('*') => {
                CertificateIdentity::Dns(name.clone())
            }
            (None, Some(name), None) => {
                self.error(&format!("{key}.dns"), format!("expected one DNS name, found {name:?}"));
                return None;
            }
            (None, None, Some(name)) if !name.is_empty() => CertificateIdentity::CommonName(name.clone()),
            _ => {
                self.error(key, "expected exactly one of spiffe, dns and cn (which is not empty)");
                return None;
            }
        };
        let at = format!("{key}.ca_file");
        let pem = self.read(&at, &file.ca_file)?;
        let roots = tls::parse_certificates(&pem.into_bytes()).and_then(|certificates| {
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                roots.add(certificate)?;
            }
            Ok(Arc::new(roots))
        });
        let roots = self.ok_in_file(&at, &file.ca_file, roots)?;
        self.ok_in_file(&at, &file.ca_file, CertificateRule::new(roots, identity))
    }

    /// Notes where everybody could call from anywhere, or nobody could read what operators read. That TLS is lacking is noted
    /// elsewhere.
    pub(super) fn expect_callers_off_loopback(
        &mut self,
        config: &Config,
        grpc_for_all: bool,
        admin_for_all: bool,
    ) {
        let (grpc, admin) = (&config.grpc.listener, &config.admin.listener);
        if grpc.tls.is_some() && !grpc.listen.ip().is_loopback() && !grpc_for_all && config.callers.is_empty()
        {
            let problem = "expected at least one caller, such as [callers.orders], since grpc.listen is not on loopback: \
                           without callers everybody may do everything";
            self.error("callers", problem);
        }
        let has_reader = config.callers.iter().any(|caller| caller.permissions.admin);
        if admin.tls.is_some() && !admin.listen.ip().is_loopback() && !admin_for_all && !has_reader {
            let problem = "expected a caller with admin = true, since admin.listen is not on loopback: nobody could read \
                           /metrics";
            self.error("admin.listen", problem);
        }
        let shows_secrets = |caller: &CallerSettings| !caller.keys.is_empty() || caller.token.is_some();
        for (table, listener) in [("grpc", grpc), ("admin", admin)] {
            if listener.tls.is_none()
                && !listener.listen.ip().is_loopback()
                && config.callers.iter().any(shows_secrets)
            {
                let problem = format!(
                    "keys and tokens of callers travel unencrypted without [{table}.tls]; whoever reads along can use them"
                );
                self.warn(&format!("{table}.listen"), problem);
            }
        }
    }

    /// Notes what one caller has and another as well: a call would be of both.
    pub(super) fn expect_callers_apart(&mut self, callers: &[CallerSettings]) {
        for (at, caller) in callers.iter().enumerate() {
            let key = format!("callers.{}", caller.name);
            for other in callers.iter().take(at) {
                let of_both =
                    |what: &str| format!("expected {what} of its own, found that of callers.{}", other.name);
                if caller.keys.iter().any(|digest| other.keys.contains(digest)) {
                    self.error(&format!("{key}.key_sha256"), of_both("a key"));
                }
                if caller.token.is_some() && caller.token == other.token {
                    self.error(&format!("{key}.jwt"), of_both("a name"));
                }
                if caller.anonymous && other.anonymous {
                    let problem =
                        format!("expected one anonymous caller, found callers.{} as well", other.name);
                    self.error(&format!("{key}.anonymous"), problem);
                }
                if let (Some(own), Some(others)) = (&caller.certificate, &other.certificate) {
                    self.expect_certificates_apart(&key, own, &other.name, others);
                }
            }
        }
    }

    fn expect_certificates_apart(
        &mut self,
        key: &str,
        own: &CertificateRule,
        other: &str,
        others: &CertificateRule,
    ) {
        let key = format!("{key}.certificate");
        if own.is_same(others) {
            self.error(&key, format!("expected an identity of its own, found that of callers.{other}"));
        }
        let (CertificateIdentity::Spiffe(own_id), CertificateIdentity::Spiffe(other_id)) =
            (own.identity(), others.identity())
        else {
            return;
        };
        // Source: SPIFFE, "Trust domain and bundle": one bundle has the authorities of one trust domain.
        if own_id.trust_domain() == other_id.trust_domain() && own.roots().roots != others.roots().roots {
            let domain = own_id.trust_domain();
            let problem = format!(
                "expected the authorities of {domain} that callers.{other} has, found others: a trust domain has one \
                 set of authorities"
            );
            self.error(&format!("{key}.ca_file"), problem);
        }
    }
}

/// Takes a name that is one of these.
fn one_of<'a>(
    names: impl Iterator<Item = &'a str> + Clone + 'a,
) -> impl Fn(&str) -> Result<String, String> + 'a {
    move |name| {
        if names.clone().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        Err(format!("one of {}", names.clone().collect::<Vec<_>>().join(", ")))
    }
}
