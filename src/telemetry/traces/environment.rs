//! The standard variables of OpenTelemetry. What the configuration says, in its file or by `FANFARE__TRACES__…`, goes before them.
//!
//! Source: OpenTelemetry, "Environment Variable Specification" and "OTLP Exporter Configuration".

use http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::{TraceProtocol, TraceSettings};

/// A variable that says nothing that can be used. Its value is not shown, since it may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable}: expected {expected}, found something else")]
pub struct EnvironmentError {
    /// The name of the variable.
    pub variable: &'static str,
    /// What it may say.
    pub expected: &'static str,
}

/// Finds the value of a variable. One that is empty counts as absent.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The first of these variables that says something.
    fn first<const N: usize>(&self, names: [&'static str; N]) -> Option<(&'static str, String)> {
        names.into_iter().find_map(|name| Some((name, self.get(name)?)))
    }
}

impl TraceSettings {
    /// Adds what the standard variables of OpenTelemetry say, where the configuration says nothing.
    ///
    /// # Errors
    /// Fails if one of them says nothing that can be used.
    pub fn complete(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), EnvironmentError> {
        let variables = Variables(variable);
        self.complete_protocol(&variables)?;
        self.complete_endpoint(&variables)?;
        if self.endpoint.is_none() {
            // Nothing is traced, so nothing else matters.
            return Ok(());
        }
        self.complete_headers(&variables)?;
        self.complete_sampling(&variables)?;
        if self.service_name.is_none() {
            self.service_name = variables.get("OTEL_SERVICE_NAME");
        }
        Ok(())
    }

    fn complete_protocol<F>(&mut self, variables: &Variables<F>) -> Result<(), EnvironmentError>
    where
        F: Fn(&str) -> Option<String>,
    {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
        if self.protocol.is_none()
            && let Some((variable, value)) = variables.first(names)
        {
            let expected = "grpc or http/protobuf";
            let protocol = TraceProtocol::parse(&value).ok_or(EnvironmentError { variable, expected })?;
            self.protocol = Some(protocol);
        }
        Ok(())
    }

    fn complete_endpoint<F>(&mut self, variables: &Variables<F>) -> Result<(), EnvironmentError>
    where
        F: Fn(&str) -> Option<String>,
    {
        let is_off =
            variables.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
                || variables.get("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        if self.endpoint.is_some() || is_off {
            return Ok(());
        }
        let for_traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        let Some((variable, mut value)) = variables.first([for_traces, "OTEL_EXPORTER_OTLP_ENDPOINT"]) else {
            return Ok(());
        };
        if variable != for_traces && self.protocol() == TraceProtocol::Http {
            value = format!("{}/v1/traces", value.trim_end_matches('/'));
        }
        let expected = "a URL of http or https";
        self.endpoint = Some(endpoint(&value).ok_or(EnvironmentError { variable, expected })?);
        Ok(())
    }

    fn complete_headers<F>(&mut self, variables: &Variables<F>) -> Result<(), EnvironmentError>
    where
        F: Fn(&str) -> Option<String>,
    {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
        let Some((variable, value)) = variables.first(names).filter(|_| self.headers.is_empty()) else {
            return Ok(());
        };
        let wrong = EnvironmentError { variable, expected: "NAME=VALUE pairs with commas between them" };
        for pair in value.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = header(pair).ok_or(EnvironmentError { ..wrong })?;
            self.headers.append(name, value);
        }
        Ok(())
    }

    fn complete_sampling<F>(&mut self, variables: &Variables<F>) -> Result<(), EnvironmentError>
    where
        F: Fn(&str) -> Option<String>,
    {
        let variable = "OTEL_TRACES_SAMPLER";
        let Some(name) = variables.get(variable).filter(|_| self.sample_ratio.is_none()) else {
            return Ok(());
        };
        let (follows_parent, sampler) = match name.strip_prefix("parentbased_") {
            Some(sampler) => (true, sampler),
            None => (false, name.as_str()),
        };
        let ratio = match sampler {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => {
                let variable = "OTEL_TRACES_SAMPLER_ARG";
                let wrong = EnvironmentError { variable, expected: "a number from 0 to 1" };
                // Source: the same specification, which names this default.
                let text = variables.get(variable).unwrap_or_else(|| "1.0".to_owned());
                text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio)).ok_or(wrong)?
            }
            _ => {
                let expected = "always_on, always_off or traceidratio, or one of them behind parentbased_";
                return Err(EnvironmentError { variable, expected });
            }
        };
        (self.sample_ratio, self.follows_parent) = (Some(ratio), follows_parent);
        Ok(())
    }
}

impl TraceProtocol {
    /// Reads a protocol by its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::Http),
            _ => None,
        }
    }
}

/// Reads the address of a collector: a URL of http or https with a host, and without a password, which would be shown.
#[must_use]
pub(crate) fn endpoint(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.authority().is_some_and(|it| !it.host().is_empty() && !it.as_str().contains('@'));
    (is_http && has_host).then_some(uri)
}

/// Reads `NAME=VALUE`, percent-encoded, as the variable has it.
fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    secret_header(name.trim(), &value)
}

/// A header whose value is printed nowhere.
#[must_use]
pub(crate) fn secret_header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(
        mut settings: TraceSettings,
        variables: &[(&str, &str)],
    ) -> Result<TraceSettings, EnvironmentError> {
        let find =
            |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        settings.complete(find).map(|()| settings)
    }

    fn completed_empty(variables: &[(&str, &str)]) -> Result<TraceSettings, EnvironmentError> {
        completed(TraceSettings::default(), variables)
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

    #[test]
    fn the_standard_variables_say_what_the_configuration_does_not() {
        let settings = completed_empty(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=y"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_SERVICE_NAME", "pushes"),
        ])
        .unwrap();
        assert_eq!(settings.endpoint.unwrap(), "http://collector:4318/v1/traces");
        assert_eq!(
            (settings.headers["api-key"].as_bytes(), &settings.headers["x"]),
            (&b"a b"[..], &HeaderValue::from_static("y"))
        );
        assert!(!format!("{:?}", settings.headers).contains("a b"));
        assert_eq!((settings.sample_ratio, settings.follows_parent), (Some(0.25), false));
        assert_eq!(settings.service_name.as_deref(), Some("pushes"));
    }

    #[test]
    fn the_configuration_goes_before_them() {
        let ours = TraceSettings {
            endpoint: endpoint("https://ours:4317"),
            protocol: Some(TraceProtocol::Grpc),
            sample_ratio: Some(0.5),
            service_name: Some("ours".to_owned()),
            ..TraceSettings::default()
        };
        let settings = completed(
            ours,
            &[
                ENDPOINT,
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_TRACES_SAMPLER", "always_on"),
                ("OTEL_SERVICE_NAME", "theirs"),
                ("OTEL_SDK_DISABLED", "true"),
            ],
        )
        .unwrap();
        assert_eq!(settings.endpoint.as_ref().unwrap(), "https://ours:4317/");
        assert_eq!((settings.protocol(), settings.sample_ratio), (TraceProtocol::Grpc, Some(0.5)));
        assert_eq!(settings.service_name.as_deref(), Some("ours"));
    }

    #[test]
    fn nothing_is_traced_without_an_address_and_where_the_variables_say_so() {
        for variables in [
            &[][..],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
            &[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")],
            &[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert_eq!(completed_empty(variables).unwrap().endpoint, None, "{variables:?}");
        }
        let for_traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/here");
        assert_eq!(completed_empty(&[ENDPOINT, for_traces]).unwrap().endpoint.unwrap(), "http://traces/here");
    }

    #[test]
    fn a_variable_that_says_nothing_that_can_be_used_is_named_without_its_value() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://user:secret@collector"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "secret"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "k=secret%0A"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ] {
            let error = completed_empty(&[ENDPOINT, (name, value)]).unwrap_err();
            assert_eq!(error.variable, name);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        for ratio in ["2", "-1", "NaN", "much"] {
            let sampler = ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
            let error =
                completed_empty(&[ENDPOINT, sampler, ("OTEL_TRACES_SAMPLER_ARG", ratio)]).unwrap_err();
            assert_eq!(error.variable, "OTEL_TRACES_SAMPLER_ARG", "{ratio}");
        }
    }
}
