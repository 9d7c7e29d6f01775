//! Why a request cannot be understood.

use http::StatusCode;

use super::answer::Told;
use super::settings::MAX_DEVICES;

/// Why a request cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadRequest {
    NotJson(String),
    BadJson(String),
    Missing(&'static str),
    NoDevices,
    TooManyDevices,
}

impl BadRequest {
    /// An error of the JSON parser, whose message tells types and places, and repeats no text.
    pub(super) fn of_json(path: &str, error: &serde_json::Error) -> Self {
        if error.is_data() {
            let what = without_texts(&error.to_string());
            // The empty path is written as a dot.
            Self::BadJson(if path == "." { what } else { format!("{path}: {what}") })
        } else {
            Self::NotJson(error.to_string())
        }
    }

    pub(super) fn told(self) -> Told {
        let (errcode, error) = match self {
            Self::NotJson(why) => ("M_NOT_JSON", why),
            Self::BadJson(why) => ("M_BAD_JSON", why),
            Self::Missing(key) => ("M_MISSING_PARAM", format!("expected {key}, found nothing")),
            Self::NoDevices => {
                ("M_BAD_JSON", "expected devices in notification.devices, found none".to_owned())
            }
            Self::TooManyDevices => {
                let why = format!("expected at most {MAX_DEVICES} devices in notification.devices");
                return Told::Error(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", why);
            }
        };
        Told::Error(StatusCode::BAD_REQUEST, errcode, error)
    }
}

/// A sentence of serde, which quotes a text that has the wrong type, without that text.
fn without_texts(sentence: &str) -> String {
    match (sentence.find('"'), sentence.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", &sentence[..first], &sentence[last + 1..])
        }
        _ => sentence.to_owned(),
    }
}
