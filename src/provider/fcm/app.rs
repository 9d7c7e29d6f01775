//! How one app speaks to FCM: what an operator says about it, checked once.

use super::limits::MAX_PROJECT_ID_BYTES;
use crate::push::InvalidValue;

/// What an operator says about one app on FCM.
#[derive(Debug, Clone)]
pub struct FcmSettings {
    /// The project whose devices are sent to, by id or number. The project of the sender's key may be another.
    pub project_id: String,
}

/// How one app speaks to FCM.
#[derive(Debug, Clone)]
pub struct Fcm {
    pub(super) project_id: String,
}

impl Fcm {
    /// # Errors
    /// Fails if the project id is empty, too long, or cannot stand in a path.
    pub fn try_new(settings: &FcmSettings) -> Result<Self, InvalidValue> {
        let id = settings.project_id.as_str();
        let expected = || {
            format!(
                "a project id of 1 to {MAX_PROJECT_ID_BYTES} lower-case letters, digits, hyphens, colons and full stops"
            )
        };
        if id.is_empty() {
            return Err(InvalidValue::required(expected()));
        }
        if id.len() > MAX_PROJECT_ID_BYTES {
            return Err(InvalidValue::too_large(expected(), format!("{} bytes", id.len())));
        }
        // A project of a domain has the form `example.com:name`.
        // Source: Google Cloud, "Resource Manager", domain-scoped projects.
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-:.".contains(c);
        if let Some(c) = id.chars().find(|c| !allowed(*c)) {
            return Err(InvalidValue::invalid(expected(), format!("{c:?}")));
        }
        Ok(Self { project_id: id.to_owned() })
    }

    /// The project whose devices are sent to.
    #[must_use]
    pub fn project_id(&self) -> &str {
        &self.project_id
    }
}
