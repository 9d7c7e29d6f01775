//! What the file says of the ingress `[http.mattermost]`.

use fanfare_upstream::{Http, Origin, Peer, Reach};

use super::Reader;
use crate::config::{AppConfig, Config, file};
use crate::ingress::mattermost::{ForwardSettings, MattermostSettings, PlatformApp, PlatformKind};
use crate::push::visible_ascii;

/// The longest name of a platform, in bytes. The number is the gateway's own.
const MAX_PLATFORM_BYTES: usize = 64;

impl Reader<'_> {
    /// Reads `[http.mattermost]`, which stands at `table`. `config` holds everything but the HTTP listeners.
    pub(super) fn mattermost_ingress(
        &mut self,
        table: &str,
        file: &file::MattermostIngress,
        config: &Config,
    ) -> MattermostSettings {
        let platforms = file.platforms.iter().filter_map(|(platform, app)| {
            let found = self.platform(&format!("{table}.platforms.{platform}"), platform, app, config)?;
            Some((platform.clone(), found))
        });
        let platforms = platforms.collect();
        if file.platforms.is_empty() && file.forward.is_none() {
            let problem = "every push is refused: platforms names no app, and forward no other push proxy";
            self.warn(table, problem.to_owned());
        }
        let forward =
            file.forward.as_ref().and_then(|url| self.forward(&format!("{table}.forward"), url, config));
        let forward = forward.map(|mut forward| {
            let key = format!("{table}.max_forwards");
            self.positive(&key, &mut forward.max_in_flight, file.max_forwards);
            forward
        });
        MattermostSettings { platforms, forward }
    }

    fn platform(&mut self, key: &str, platform: &str, app: &str, config: &Config) -> Option<PlatformApp> {
        self.ok(
            key,
            visible_ascii("a platform", platform, MAX_PLATFORM_BYTES).map_err(|error| error.to_string()),
        )?;
        let Some(found) = config.apps.iter().find(|found| found.id.as_str() == app) else {
            self.error(key, format!("expected the name of one of [apps.NAME], found {app:?}"));
            return None;
        };
        if [found.apns.is_none(), found.fcm.is_none(), found.mattermost.is_none(), found.web_push.is_none()]
            == [true; 4]
        {
            // What is wrong with the app's own tables was said already.
            return None;
        }
        let kind = kind(platform, found).map_err(|expected| self.error(key, expected)).ok()?;
        Some(PlatformApp { app: app.to_owned(), kind })
    }

    /// Reads where pushes of other platforms go: an origin, with or without a path.
    fn forward(&mut self, key: &str, url: &str, config: &Config) -> Option<ForwardSettings> {
        let Some((origin, prefix)) = origin_and_path(url) else {
            self.error(key, "expected a URL such as https://push.example, without user, query and fragment, found another text");
            return None;
        };
        let origin = self.ok(key, origin.parse::<Origin>())?;
        self.expect_roots(key, &config.trust);
        let peer = Peer {
            proxy: config.proxy.as_ref().and_then(|proxies| proxies.on_the_way_to(&origin)),
            origin,
            identity: "".into(),
            tls: config.trust.tls(Http::Either).clone(),
            http: Http::Either,
            reach: Reach::Anywhere,
            proves_credential: false,
        };
        Some(ForwardSettings { peer, prefix, max_in_flight: ForwardSettings::MAX_IN_FLIGHT })
    }
}

/// By which of its push services an app reaches the devices of a platform. Where it has both, the platform's name says so.
fn kind(platform: &str, app: &AppConfig) -> Result<PlatformKind, String> {
    match (app.apns.is_some(), app.fcm.is_some()) {
        (true, false) => Ok(PlatformKind::Apple),
        (false, true) => Ok(PlatformKind::Android),
        (true, true) if platform.starts_with("apple") => Ok(PlatformKind::Apple),
        (true, true) if platform.starts_with("android") => Ok(PlatformKind::Android),
        (true, true) => {
            let app = &app.id;
            Err(format!(
                "expected an app with apns or fcm, since the platform's name begins with neither apple nor android; {app} has both"
            ))
        }
        (false, false) => Err(format!("expected an app with apns or fcm, found {} with neither", app.id)),
    }
}

/// The origin of a URL, and its path without the last slash.
fn origin_and_path(url: &str) -> Option<(&str, String)> {
    let parsed: http::Uri = url.parse().ok()?;
    parsed.scheme()?;
    let path = parsed.path();
    if parsed.query().is_some() || url.contains('#') || parsed.authority()?.as_str().contains('@') {
        return None;
    }
    let origin = if path == "/" { url.trim_end_matches('/') } else { url.strip_suffix(path)? };
    Some((origin, path.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_and_what_its_paths_begin_with() {
        for (url, expected) in [
            ("https://push.example", Some(("https://push.example", ""))),
            ("https://push.example/", Some(("https://push.example", ""))),
            ("http://push.example:8066/a/b/", Some(("http://push.example:8066", "/a/b"))),
            ("https://push.example/a?b", None),
            ("https://push.example#a", None),
            ("https://user@push.example", None),
            ("push.example", None),
            ("/a", None),
            ("", None),
        ] {
            let found = origin_and_path(url);
            let found = found.as_ref().map(|(origin, prefix)| (*origin, prefix.as_str()));
            assert_eq!(found, expected, "{url}");
        }
    }
}
