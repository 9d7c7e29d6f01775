//! What the file says of the ingress `[http.matrix]`.

use super::Reader;
use crate::config::{Config, file};
use crate::ingress::matrix::MatrixSettings;

impl Reader<'_> {
    /// Reads `[http.matrix]`, which stands at `table`. `config` holds everything but the HTTP listeners.
    pub(super) fn matrix_ingress(
        &mut self,
        _table: &str,
        _file: &file::MatrixIngress,
        _config: &Config,
    ) -> MatrixSettings {
        MatrixSettings::default()
    }
}
