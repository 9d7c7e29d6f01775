//! Which app of the gateway an `app_id` of Matrix is: the exact name first, then the one pattern that means it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::glob::Glob;
use crate::push::AppId;

/// The apps that homeservers may push for.
#[derive(Debug, Clone, Default)]
pub struct MatrixApps {
    /// In an order, so that the same apps always print alike: a reload tells by it whether they changed.
    exact: BTreeMap<String, MatrixApp>,
    /// No two of them mean the same name, so the first that matches is the only one.
    globs: Vec<(Glob, MatrixApp)>,
}

/// How pushes of one `app_id` are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixApp {
    /// The app of the gateway, whose credentials are used.
    pub app: AppId,
    /// In which words, which follows from the provider that the app has.
    pub dialect: Dialect,
    /// How long a push is worth delivering, where the app does not say it.
    pub ttl: Option<Duration>,
}

/// In which words a push is said.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialect {
    /// For APNs.
    Apns(ApnsDialect),
    /// For FCM.
    Fcm(FcmDialect),
    /// For Web Push.
    WebPush(WebPushDialect),
}

/// How pushes for APNs are said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApnsDialect {
    /// `apns-push-type`. Where it is empty, the type follows from what there is to show.
    pub push_type: String,
    /// Whether a pushkey that is not hexadecimal is base64.
    pub converts_to_hex: bool,
    /// Whether the numbers of unread messages are said.
    pub badge_counts: bool,
}

/// How pushes for FCM are said.
#[derive(Debug, Clone, PartialEq)]
pub struct FcmDialect {
    /// What a message says beside its data.
    pub options: Map<String, Value>,
    /// Whether the numbers of unread messages are said.
    pub badge_counts: bool,
}

/// How pushes for browsers are said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebPushDialect {
    /// The hosts of endpoints, with their ports where there are some. Where there is none, the app's own list holds alone.
    pub allowed_endpoints: Vec<Glob>,
}

/// Two patterns mean the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap(String, String);

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(one, other) = self;
        write!(f, "expected patterns of which at most one means an app_id, found {one:?} and {other:?}")
    }
}

impl MatrixApps {
    /// Adds an app by its name or pattern.
    ///
    /// # Errors
    /// Fails if the pattern and an earlier one mean the same name, since nobody could tell which app it is.
    pub fn add(&mut self, name: &str, app: MatrixApp) -> Result<(), Overlap> {
        let Some(glob) = Glob::parse(name) else {
            self.exact.insert(name.to_owned(), app);
            return Ok(());
        };
        match self.globs.iter().find(|(earlier, _)| earlier.overlaps(&glob)) {
            Some((earlier, _)) => Err(Overlap(earlier.as_str().to_owned(), name.to_owned())),
            None => {
                self.globs.push((glob, app));
                Ok(())
            }
        }
    }

    /// The app that an `app_id` means.
    pub(super) fn find(&self, app_id: &str) -> Option<&MatrixApp> {
        self.exact.get(app_id).or_else(|| {
            // The specification allows 64 characters, and a pattern costs as many steps as the name is long.
            let may_be_one = app_id.len() <= MAX_APP_ID_BYTES;
            let found = self.globs.iter().find(|(glob, _)| may_be_one && glob.matches(app_id));
            found.map(|(_, app)| app)
        })
    }

    /// The names and the patterns, in alphabetical order.
    pub(crate) fn names(&self) -> Vec<String> {
        let patterns = self.globs.iter().map(|(glob, _)| glob.as_str());
        let mut names: Vec<_> =
            self.exact.keys().map(String::as_str).chain(patterns).map(str::to_owned).collect();
        names.sort_unstable();
        names
    }
}

/// The longest `app_id` that patterns are held against, in bytes. Synapse does not hold its users to the 64 characters that
/// the specification allows, so the number is the gateway's own.
const MAX_APP_ID_BYTES: usize = 256;
