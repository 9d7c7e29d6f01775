//! To which ingress a path leads.

use http::Method;

use super::answer::Answer;
use super::parts::HttpParts;
use super::refused::Refused;
use super::settings::HttpSettings;
use super::terms::Terms;
use crate::ingress::json::{self, Json};
use crate::ingress::matrix::{self, Matrix};
use crate::ingress::mattermost::{self, Mattermost};

/// The ingresses of a listener.
pub(super) struct Ingresses {
    json: Option<Json>,
    mattermost: Option<Mattermost>,
    matrix: Option<Matrix>,
}

/// To which ingress a path leads, and what is asked for there.
#[derive(Clone, Copy)]
pub(super) enum Route<'a> {
    Json(&'a Json, json::Asked),
    Mattermost(&'a Mattermost, mattermost::Asked),
    Matrix(&'a Matrix, matrix::Asked),
}

/// The names of the ingresses in metrics, in the order of [`Route::number`]. The last one is of calls that lead to none.
pub(super) const INGRESSES: [&str; 4] = ["json", "mattermost", "matrix", "none"];

/// The number of calls that lead to no ingress.
pub(super) const NONE: usize = 3;

impl Ingresses {
    pub(super) fn of(settings: &HttpSettings, parts: &HttpParts) -> Self {
        let mattermost = |settings| Mattermost::new(settings, &parts.upstream, &parts.mattermost);
        Self {
            json: settings.json.as_ref().map(|json| Json::new(json, settings)),
            mattermost: settings.mattermost.as_ref().map(mattermost),
            matrix: settings.matrix.as_ref().map(|settings| Matrix::new(settings, &parts.matrix)),
        }
    }

    pub(super) fn route(&self, method: &Method, path: &str) -> Option<Route<'_>> {
        let Self { json, mattermost, matrix } = self;
        if let (Some(mattermost), Some(asked)) = (mattermost, mattermost::Asked::of(path)) {
            return Some(Route::Mattermost(mattermost, asked));
        }
        if let (Some(matrix), Some(asked)) = (matrix, matrix::Asked::of(method, path)) {
            return Some(Route::Matrix(matrix, asked));
        }
        let (json, asked) = (json.as_ref()?, json::Asked::of(path)?);
        Some(Route::Json(json, asked))
    }

    /// Says that a path leads nowhere: in the form of the one ingress of this listener, or as plain text where it has several.
    pub(super) fn not_found(&self) -> Answer {
        let refused = Refused::NotFound;
        match self {
            Self { json: Some(json), mattermost: None, matrix: None } => json.refused(None, &refused),
            Self { json: None, mattermost: Some(mattermost), matrix: None } => {
                mattermost.refused(None, &refused)
            }
            Self { json: None, mattermost: None, matrix: Some(matrix) } => matrix.refused(None, &refused),
            _ => refused.plain(),
        }
    }
}

impl Route<'_> {
    pub(super) fn terms(self) -> Terms {
        match self {
            Self::Json(_, asked) => asked.terms(),
            Self::Mattermost(_, asked) => asked.terms(),
            Self::Matrix(_, asked) => asked.terms(),
        }
    }

    /// Its place in [`INGRESSES`].
    pub(super) fn number(self) -> usize {
        match self {
            Self::Json(..) => 0,
            Self::Mattermost(..) => 1,
            Self::Matrix(..) => 2,
        }
    }

    /// Whether its calls may stand for the caller that the listener names, since who makes them can show nothing.
    pub(super) fn may_stand_in(self) -> bool {
        matches!(self, Self::Mattermost(..) | Self::Matrix(..))
    }

    pub(super) fn tell(self) -> Answer {
        match self {
            Self::Json(json, asked) => json.tell(asked),
            Self::Mattermost(mattermost, asked) => mattermost.tell(asked),
            Self::Matrix(matrix, asked) => matrix.tell(asked),
        }
    }

    pub(super) fn refused(self, refused: &Refused) -> Answer {
        match self {
            Self::Json(json, asked) => json.refused(Some(asked), refused),
            Self::Mattermost(mattermost, asked) => mattermost.refused(Some(asked), refused),
            Self::Matrix(matrix, asked) => matrix.refused(Some(asked), refused),
        }
    }
}
