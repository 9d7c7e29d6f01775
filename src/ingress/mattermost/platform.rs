//! Platforms: what a Mattermost server says about the app of a device, such as `apple_rn-v2`.

use std::collections::BTreeMap;

/// By which push service an app of the configuration reaches the devices of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformKind {
    /// APNs.
    Apple,
    /// FCM.
    Android,
}

/// The app that serves a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformApp {
    /// Its name in the configuration.
    pub app: String,
    /// By which of its push services.
    pub kind: PlatformKind,
}

/// The app of each platform that is served here.
pub type Platforms = BTreeMap<String, PlatformApp>;

/// A platform as a server names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Platform<'a> {
    /// The whole name.
    pub(super) whole: &'a str,
    /// What precedes `-v`.
    pub(super) cut: &'a str,
    /// The version of the app: the number after `-v`.
    pub(super) version: i64,
}

/// What stands between the name of a platform and the version of the app.
const MARK: &str = "-v";

/// The version of an app that names none.
const FIRST_VERSION: i64 = 1;

impl<'a> Platform<'a> {
    /// Takes a name apart. Whatever follows `-v` and is no number is ignored.
    pub(super) fn of(name: &'a str) -> Self {
        // A name is so short that the search of the standard library would take longer to begin.
        match name.as_bytes().windows(MARK.len()).position(|bytes| bytes == MARK.as_bytes()) {
            Some(at) => {
                let version = name[at + MARK.len()..].parse().unwrap_or(FIRST_VERSION);
                Self { whole: name, cut: &name[..at], version }
            }
            None => Self { whole: name, cut: name, version: FIRST_VERSION },
        }
    }

    /// The app that serves it. The whole name counts before the one that is cut, so that the builds of an app whose
    /// server allows no other platforms can be told apart by a version of their own.
    pub(super) fn app(self, platforms: &Platforms) -> Option<&PlatformApp> {
        platforms.get(self.whole).or_else(|| platforms.get(self.cut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_after_the_first_v() {
        let parts = |name| {
            let Platform { cut, version, .. } = Platform::of(name);
            (cut, version)
        };
        assert_eq!(parts("apple_rn"), ("apple_rn", 1));
        assert_eq!(parts("apple_rn-v2"), ("apple_rn", 2));
        assert_eq!(parts("apple_rn-v"), ("apple_rn", 1));
        assert_eq!(parts("apple_rn-vX"), ("apple_rn", 1));
        assert_eq!(parts("a-v2-v3"), ("a", 1));
        assert_eq!(parts(""), ("", 1));
    }

    #[test]
    fn the_whole_name_counts_before_the_one_that_is_cut() {
        let app = |name: &str| PlatformApp { app: name.to_owned(), kind: PlatformKind::Android };
        let platforms = Platforms::from([
            ("android_rn".to_owned(), app("store")),
            ("android_rn-v1000".to_owned(), app("own")),
        ]);
        let found = |name| Platform::of(name).app(&platforms).map(|found| found.app.as_str());
        assert_eq!(found("android_rn"), Some("store"));
        assert_eq!(found("android_rn-v2"), Some("store"));
        assert_eq!(found("android_rn-v1000"), Some("own"));
        assert_eq!(found("apple_rn"), None);
    }
}
