//! What the first message of a stream asks for all of them.

use tonic::Status;

use crate::proto;
use crate::push::ServiceClass;

/// How a stream is treated.
pub(super) struct Options {
    pub(super) class: ServiceClass,
    /// Results of accepted pushes are left out.
    pub(super) problems_only: bool,
    /// The app of items that name none.
    pub(super) default_app: String,
}

impl Options {
    /// Those of a message. None where they were said before it.
    ///
    /// # Errors
    /// Where a later message has options, or a value is not of its enum.
    pub(super) fn of(options: Option<proto::BatchOptions>, first: bool) -> Result<Option<Self>, Status> {
        match (options, first) {
            (None, false) => Ok(None),
            (Some(_), false) => {
                Err(Status::invalid_argument("options: expected in the first message of the stream only"))
            }
            (options, true) => Self::read(options.unwrap_or_default()).map(Some),
        }
    }

    fn read(options: proto::BatchOptions) -> Result<Self, Status> {
        let unknown = |field: &str, found: i32| {
            Status::invalid_argument(format!("options.{field}: expected a value of the enum, found {found}"))
        };
        let class = match proto::ServiceClass::try_from(options.service_class) {
            Ok(proto::ServiceClass::Unspecified | proto::ServiceClass::Bulk) => ServiceClass::Bulk,
            Ok(proto::ServiceClass::Interactive) => ServiceClass::Interactive,
            Err(_) => return Err(unknown("service_class", options.service_class)),
        };
        let problems_only = match proto::ResultSelection::try_from(options.results) {
            Ok(proto::ResultSelection::Unspecified | proto::ResultSelection::All) => false,
            Ok(proto::ResultSelection::ProblemsOnly) => true,
            Err(_) => return Err(unknown("results", options.results)),
        };
        Ok(Self { class, problems_only, default_app: options.app })
    }
}
