//! What the file says of one app on Web Push.

use std::path::Path;
use std::sync::Arc;

use super::Reader;
use crate::config::{Config, WebPushConfig, file};
use crate::credential::vapid::{ApplicationServer, VapidKey};
use crate::provider::webpush::{WebPush, WebPushSettings};

impl Reader<'_> {
    pub(super) fn web_push(
        &mut self,
        key: &str,
        file: file::AppWebPush,
        config: &Config,
    ) -> Option<WebPushConfig> {
        self.expect_roots(key, &config.web_push.trust);
        let settings = WebPushSettings { hosts: file.hosts, any_port: file.any_port, pad_to: file.pad_to };
        let provider = self.ok(&format!("{key}.hosts"), WebPush::try_new(settings));
        let provider = provider.map(|provider| provider.with_front_502(file.front_502.into()));
        let vapid_key = self.vapid_key(key, &file.key_file, file.public_key.as_deref())?;
        let server = ApplicationServer::new(&vapid_key, &file.subject);
        let server = self.ok(&format!("{key}.subject"), server)?;
        Some(WebPushConfig {
            provider: provider?,
            application_server: Arc::new(server),
            private_addresses: file.private_addresses,
            http: file.http.into(),
        })
    }

    /// Reads the key, and compares it with `public_key`: browsers made their subscriptions with that one, and push services
    /// refuse every other.
    fn vapid_key(&mut self, key: &str, file: &Path, public_key: Option<&str>) -> Option<VapidKey> {
        let at = format!("{key}.key_file");
        let parsed = VapidKey::parse(&self.secret(&at, file)?);
        let pair = self.ok_in_file(&at, file, parsed)?;
        if let Some(found) = public_key.filter(|public_key| !pair.is_of(public_key)) {
            let (file, own) = (file.display(), pair.public_key());
            let problem = format!("expected the public key of {file}, which is {own}, found {found}");
            self.error(&format!("{key}.public_key"), problem);
            return None;
        }
        Some(pair)
    }
}
