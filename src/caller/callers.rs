//! The callers of the configuration, and who of them a call is from.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::certificate::{CertificateRule, Chain};
use super::jwt::{Tokens, VerifiedToken};
use super::key::{CallerKey, KeyDigest};
use super::known::{Known, KnownByConnection};
use super::look::CallerLook;
use super::rule::{CallerRule, Proof};
use super::settings::{CallerSettings, TokenRule};
use super::shown::{Shown, Unknown};
use super::{Caller, Denied, audit};
use crate::held_bytes::BytesBudget;
use crate::metrics::CallerMetrics;
use crate::sharer::Sharer;

/// The callers of the configuration.
pub struct Callers {
    directory: ArcSwap<Directory>,
    /// Everybody, as long as the configuration has never had callers.
    anyone: Known,
    budget: Arc<BytesBudget>,
    metrics: CallerMetrics,
}

/// By what each caller is known.
#[derive(Default)]
struct Directory {
    /// Whether the configuration has callers, or has had some since the gateway was started.
    has_callers: bool,
    /// Each caller by its name, as those are known for whom calls stand that show nothing.
    named: HashMap<String, Known>,
    keys: Vec<(KeyDigest, Known)>,
    certificates: Vec<(CertificateRule, Known)>,
    /// By the issuer's name, and by what its claim says.
    tokens: HashMap<String, HashMap<String, Known>>,
    anonymous: Option<Known>,
    /// Verifies tokens.
    verifier: Arc<Tokens>,
}

impl Callers {
    /// Knows these callers. Where there are none, everybody may do everything.
    #[must_use]
    pub fn new(
        settings: Vec<CallerSettings>,
        tokens: Arc<Tokens>,
        budget: Arc<BytesBudget>,
        metrics: CallerMetrics,
    ) -> Self {
        let directory = Directory::build(settings, tokens, &Directory::default(), &budget, &metrics);
        Self { directory: ArcSwap::from_pointee(directory), anyone: Known::anyone(), budget, metrics }
    }

    /// Knows other callers from now on, and verifies tokens by these issuers. Where there were callers and there are none now, nobody may call: whether a listener
    /// may be where it is was judged at the start, when the configuration had callers.
    ///
    /// A caller that is named again has its new permissions from its next push on, also on streams that are open already. A
    /// caller that is not named again may do nothing from then on, nor may a stream that was opened by a key, certificate or
    /// token that its caller is no longer known by.
    pub fn change(&self, settings: Vec<CallerSettings>, tokens: Arc<Tokens>) {
        let former = self.directory.load_full();
        let newer = Directory::build(settings, tokens, &former, &self.budget, &self.metrics);
        for (name, known) in &former.named {
            if !newer.named.contains_key(name) {
                known.rule.leave();
            }
        }
        let kept: Vec<_> = newer.proofs().collect();
        former.proofs().filter(|proof| !kept.iter().any(|kept| kept.is(proof))).for_each(Proof::revoke);
        if newer.has_callers {
            self.anyone.proof.revoke();
        }
        self.directory.store(Arc::new(newer));
    }

    /// Finds who a call is from, by the token or key that it shows, else by its certificate. What is shown and wrong is
    /// refused, whatever else is shown.
    ///
    /// # Errors
    /// Fails if the gateway does not know the caller. [`Unknown::Token`] may be mended by
    /// [`Callers::find_after_fetch`].
    pub fn find(&self, shown: &Shown<'_>, now: SystemTime) -> Result<Caller, Unknown> {
        let directory = self.directory.load();
        let caller = |known| Caller { known, address: Some(shown.address) };
        if !directory.has_callers {
            return Ok(caller(self.anyone.clone()));
        }
        let Some(bearer) = shown.bearer()? else { return directory.without_bearer(shown, now).map(caller) };
        if let Ok(key) = CallerKey::parse(bearer) {
            return directory.by_key(&key.digest()).map(caller).ok_or(Unknown::Key);
        }
        let verified = directory.verifier.verify(bearer, now).map_err(Unknown::Token)?;
        directory.by_token(&verified).map(caller)
    }

    /// The same once the keys of a token's issuer were fetched anew, where they may be.
    ///
    /// # Errors
    /// Fails as [`Callers::find`] does.
    pub async fn find_after_fetch(&self, shown: &Shown<'_>, now: SystemTime) -> Result<Caller, Unknown> {
        let bearer = shown.bearer()?.ok_or(Unknown::NothingShown)?;
        let tokens = Arc::clone(&self.directory.load().verifier);
        let verified = tokens.verify_after_fetch(bearer, now).await.map_err(Unknown::Token)?;
        let known = self.directory.load().by_token(&verified)?;
        Ok(Caller { known, address: Some(shown.address) })
    }

    /// Finds the caller of this name, for whom a call stands that shows nothing. `standing` keeps whom it was for the next
    /// call of the connection.
    pub(crate) fn standing_for(
        &self,
        name: &str,
        standing: &KnownByConnection,
        address: SocketAddr,
    ) -> Option<Caller> {
        let known = match standing.get().filter(|known| known.rule.name() == name) {
            Some(known) => known,
            None => {
                let known = self.directory.load().named.get(name)?.clone();
                standing.set(known.clone());
                known
            }
        };
        Some(Caller { known, address: Some(address) })
    }

    /// How each caller is. Where the configuration has never had callers, it is how everybody is.
    pub(crate) fn look(&self) -> Vec<CallerLook> {
        let directory = self.directory.load();
        if directory.has_callers {
            directory.named.values().map(|known| known.rule.look()).collect()
        } else {
            vec![self.anyone.rule.look()]
        }
    }

    /// Notes that somebody was refused whom the gateway does not know.
    pub(crate) fn note_unknown(&self, unknown: &Unknown, address: SocketAddr) {
        self.metrics.unknown(unknown.kind());
        audit::unknown(unknown, address);
    }
}

impl Directory {
    fn build(
        settings: Vec<CallerSettings>,
        verifier: Arc<Tokens>,
        former: &Self,
        budget: &Arc<BytesBudget>,
        metrics: &CallerMetrics,
    ) -> Self {
        let has_callers = former.has_callers || !settings.is_empty();
        let mut directory = Self { has_callers, verifier, ..Self::default() };
        for mut caller in settings {
            let named = former.named.get(&caller.name);
            let earlier = named.map(|known| known.rule.permissions());
            if let (Some(rate), Some(earlier)) = (&mut caller.permissions.rate, earlier)
                && let Some(earlier) = &earlier.rate
            {
                rate.continue_from(earlier);
            }
            let permissions = Arc::new(caller.permissions);
            let rule = match named {
                Some(known) => {
                    known.rule.change(permissions);
                    Arc::clone(&known.rule)
                }
                None => {
                    let metrics = metrics.caller(&caller.name, &Denied::RULES);
                    Arc::new(CallerRule::new(
                        &caller.name,
                        permissions,
                        Some(budget.share()),
                        Sharer::default(),
                        metrics,
                    ))
                }
            };
            let known = |former: Option<&Known>| Known {
                rule: Arc::clone(&rule),
                // What a caller was known by before is still good where it is the same caller's.
                proof: former
                    .filter(|former| Arc::ptr_eq(&former.rule, &rule))
                    .map_or_else(Proof::default, |former| former.proof.clone()),
                ends: None,
            };
            for digest in caller.keys {
                let before = former.keys.iter().find(|(key, _)| *key == digest).map(|(_, known)| known);
                directory.keys.push((digest, known(before)));
            }
            if let Some(certificate) = caller.certificate {
                let mut before = former.certificates.iter();
                let before = before.find(|(rule, _)| rule.is_same(&certificate)).map(|(_, known)| known);
                let known = known(before);
                directory.certificates.push((certificate, known));
            }
            if let Some(token) = caller.token {
                let TokenRule { issuer, name } = token;
                let known = known(former.token(&issuer, &name));
                directory.tokens.entry(issuer).or_default().insert(name, known);
            }
            if caller.anonymous {
                directory.anonymous = Some(known(former.anonymous.as_ref()));
            }
            directory.named.insert(caller.name, known(named));
        }
        directory
    }

    fn proofs(&self) -> impl Iterator<Item = &Proof> {
        let keys = self.keys.iter().map(|(_, known)| known);
        let certificates = self.certificates.iter().map(|(_, known)| known);
        let known = keys
            .chain(certificates)
            .chain(self.tokens.values().flat_map(HashMap::values))
            .chain(&self.anonymous)
            .chain(self.named.values());
        known.map(|known| &known.proof)
    }

    /// Each key is compared, and each in constant time, so that time tells nothing about any of them.
    fn by_key(&self, digest: &KeyDigest) -> Option<Known> {
        let mut found = None;
        for (key, known) in &self.keys {
            if key == digest {
                found = Some(known.clone());
            }
        }
        found
    }

    fn token(&self, issuer: &str, name: &str) -> Option<&Known> {
        self.tokens.get(issuer)?.get(name)
    }

    fn by_token(&self, verified: &VerifiedToken) -> Result<Known, Unknown> {
        let known = self.token(&verified.issuer, &verified.name).ok_or(Unknown::TokenOfNobody)?;
        Ok(Known { ends: Some(verified.expires_at), ..known.clone() })
    }

    fn without_bearer(&self, shown: &Shown<'_>, now: SystemTime) -> Result<Known, Unknown> {
        if shown.certificates.is_empty() {
            return self.anonymous.clone().ok_or(Unknown::NothingShown);
        }
        let known = match shown.by_certificate.get() {
            Some(known) => known,
            None => {
                let known = self.by_certificate(shown, now)?;
                shown.by_certificate.set(known.clone());
                known
            }
        };
        if known.ends.is_some_and(|ends| ends <= now) {
            return Err(Unknown::CertificateExpired);
        }
        Ok(known)
    }

    fn by_certificate(&self, shown: &Shown<'_>, now: SystemTime) -> Result<Known, Unknown> {
        let chain = Chain::parse(shown.certificates).ok_or(Unknown::Certificate)?;
        let mut of = self.certificates.iter().filter(|(rule, _)| rule.matches(&chain, now));
        let (_, first) = of.next().ok_or(Unknown::Certificate)?;
        // One caller may be known by several rules, but a certificate is never that of several callers.
        if of.any(|(_, other)| !Arc::ptr_eq(&other.rule, &first.rule)) {
            return Err(Unknown::CertificateOfSeveral);
        }
        Ok(Known { ends: Some(chain.ends()), ..first.clone() })
    }
}
