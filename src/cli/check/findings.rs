//! What is wrong with a configuration, and what is unwise.

use std::time::SystemTime;

use rustix::process::{Resource, getrlimit};
use serde::Serialize;

use crate::app::fewer_callers;
use crate::config::{Config, ConfigError, ConfigErrors, Place};

/// What was found, in the order in which it is told.
#[derive(Default, Serialize)]
pub(super) struct Findings {
    /// What is wrong: the gateway would not start, or something would not work.
    #[serde(rename = "findings")]
    pub(super) wrong: Vec<Finding>,
    /// What is unwise.
    pub(super) warnings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Serialize)]
pub(super) struct Finding {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    key: String,
    problem: String,
    /// All of it as one sentence, for people.
    #[serde(skip)]
    pub(super) sentence: String,
}

impl From<ConfigError> for Finding {
    fn from(error: ConfigError) -> Self {
        let sentence = error.to_string();
        let ConfigError { place, key, problem } = error;
        let (file, line, variable) = match place {
            Place::File(file, line) => (Some(file.display().to_string()), line, None),
            Place::Variable(name) => (None, None, Some(name)),
        };
        Self { file, line, variable, key, problem, sentence }
    }
}

impl Findings {
    /// Everything that keeps a configuration from being read.
    pub(super) fn of_errors(errors: ConfigErrors) -> Self {
        Self { wrong: errors.0.into_iter().map(Finding::from).collect(), ..Self::default() }
    }

    /// What is wrong and what is unwise in a configuration that can be read. It is taken out of the configuration.
    pub(super) fn of(config: &mut Config, path: &std::path::Path, now: SystemTime) -> Self {
        let wrong: Vec<_> = std::mem::take(&mut config.unfit).into_iter().map(Finding::from).collect();
        let mut warnings: Vec<_> =
            std::mem::take(&mut config.warnings).into_iter().map(Finding::from).collect();
        // What is wrong with a certificate is not told a second time as unwise.
        let is_told =
            |key: &str| wrong.iter().any(|it| key.strip_suffix(".certificate_file") == Some(&it.key));
        warnings.retain(|warning| !is_told(&warning.key));
        let mut warn = |key: &str, problem: String| {
            let place = Place::File(path.to_owned(), None);
            warnings.push(ConfigError { place, key: key.to_owned(), problem }.into());
        };
        for certificate in &config.certificates {
            let valid = certificate.validity;
            if valid.ends_soon(now) && !valid.has_ended(now) {
                let problem = format!("the certificate ends within 30 days, it is valid {valid}");
                warn(&certificate.key, problem);
            }
        }
        let of_http = config.http.iter().map(|http| http.listener.max_connections);
        let of_callers = of_http.chain([config.grpc.listener.max_connections]);
        let callers = of_callers.fold(0, usize::saturating_add);
        let upstreams = config.upstream.max_connections;
        // The gateway raises its limit as far as it may.
        let limit = getrlimit(Resource::Nofile).maximum;
        if let Some((limit, most)) =
            limit.and_then(|limit| Some((limit, fewer_callers(limit, callers, upstreams)?)))
        {
            let problem = format!(
                "{callers} connections of callers and {upstreams} to upstreams need more open files than the {limit} \
                 that are allowed here, which leave {most} to callers; the limit of the gateway's own process may be \
                 another (ulimit -Hn, or LimitNOFILE of systemd)"
            );
            warn("grpc.max_connections", problem);
        }
        Self { wrong, warnings }
    }
}
