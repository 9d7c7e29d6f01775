//! What the file says of traces.

use std::path::Path;
use std::sync::Arc;

use http::HeaderMap;
use secrecy::ExposeSecret;

use super::Reader;
use crate::config::{Trust, file};
use crate::telemetry::traces::{TraceProtocol, TraceSettings, endpoint, secret_header};

/// The most spans that may wait. A span takes about a kilobyte, so these take a gigabyte.
const LARGEST_QUEUE: usize = 1 << 20;

impl Reader<'_> {
    /// Reads `[traces]`. The collector is verified by `trust`, and by roots of its own.
    pub(super) fn traces(&mut self, traces: &mut TraceSettings, trust: &Trust, file: &file::Traces) {
        if let Some(text) = &file.endpoint {
            traces.endpoint = endpoint(text);
            if traces.endpoint.is_none() {
                let problem = "expected a URL of http or https without user and password, such as \
                               http://127.0.0.1:4317, found something else";
                self.error("traces.endpoint", problem);
            }
        }
        if let Some(name) = &file.protocol {
            traces.protocol = TraceProtocol::parse(name);
            if traces.protocol.is_none() {
                let problem = format!("expected grpc or http/protobuf, found {name:?}");
                self.error("traces.protocol", problem);
            }
        }
        if let Some(file) = &file.headers_file {
            traces.headers = self.trace_headers("traces.headers_file", file);
        }
        traces.roots = Arc::clone(self.trust("traces.ca_files", trust, &file.ca_files).roots());
        if let Some(found) = file.sample_ratio {
            if !(0.0..=1.0).contains(&found) {
                self.error("traces.sample_ratio", format!("expected a number from 0 to 1, found {found}"));
            }
            traces.sample_ratio = Some(found);
        }
        traces.service_name.clone_from(&file.service_name);
        self.positive("traces.max_queue", &mut traces.max_queue, file.max_queue);
        self.positive("traces.max_batch", &mut traces.max_batch, file.max_batch);
        self.wait("traces.batch_delay", &mut traces.batch_delay, file.batch_delay);
        self.wait("traces.timeout", &mut traces.timeout, file.timeout);
        let (queue, batch) = (traces.max_queue, traces.max_batch);
        if queue > LARGEST_QUEUE {
            self.error("traces.max_queue", format!("expected at most {LARGEST_QUEUE}, found {queue}"));
        }
        if batch > queue {
            self.error(
                "traces.max_batch",
                format!("expected at most traces.max_queue ({queue}), found {batch}"),
            );
        }
    }

    /// Reads a file of headers, one in each line, as HTTP writes them.
    fn trace_headers(&mut self, key: &str, file: &Path) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(secret) = self.secret(key, file) else { return headers };
        let lines = secret.expose_secret().lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        for (line, number) in lines {
            let header =
                line.split_once(':').and_then(|(name, value)| secret_header(name.trim(), value.trim()));
            match header {
                Some((name, value)) => {
                    headers.append(name, value);
                }
                None => {
                    let problem = format!(
                        "{}, line {number}: expected NAME: VALUE, found something else",
                        file.display()
                    );
                    self.error(key, problem);
                }
            }
        }
        headers
    }
}
