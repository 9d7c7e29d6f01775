//! The options of a stream, which its first message has.

use fanfare_upstream::ServiceClass;

use crate::ingress::contract;
use crate::proto;
use crate::push::{Reason, Refusal};

/// How a stream is treated.
pub(super) struct Options {
    /// How its items compete with other pushes.
    pub(super) class: ServiceClass,
    /// Whether results of accepted pushes are left out.
    pub(super) problems_only: bool,
    /// The app of items that name none.
    pub(super) default_app: String,
}

impl Options {
    /// The options of a message. None for a later message than the first, which says nothing new.
    ///
    /// # Errors
    /// Fails if a later message has options, or a value is not of its enum.
    pub(super) fn of(options: Option<proto::BatchOptions>, first: bool) -> Result<Option<Self>, Refusal> {
        match (options, first) {
            (None, false) => Ok(None),
            (Some(_), false) => {
                let detail = "expected in the first message of the stream only, found in a later one";
                Err(Refusal::field("options", Reason::FieldsConflict, detail))
            }
            (options, true) => Self::read(options.unwrap_or_default()).map(Some),
        }
    }

    fn read(options: proto::BatchOptions) -> Result<Self, Refusal> {
        let class = contract::service_class("options.service_class", options.service_class)?;
        let problems_only =
            match contract::known::<proto::ResultSelection>("options.results", options.results)? {
                proto::ResultSelection::Unspecified | proto::ResultSelection::All => false,
                proto::ResultSelection::ProblemsOnly => true,
            };
        let class = class.unwrap_or(ServiceClass::Bulk);
        Ok(Self { class, problems_only, default_app: options.app })
    }
}
