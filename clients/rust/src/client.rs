//! How a gateway is reached, and one push.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_stream::Stream;
use tonic::metadata::errors::InvalidMetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::batch::Batch;
use crate::ended::{Answered, CallError};
use crate::status::{advised_wait, is_gateways, is_unreached, nothing_sent};
use crate::v1::push_service_client::PushServiceClient;
use crate::v1::{Push, PushResult, SendPushRequest};

// The gateway asks a silent connection whether it lives by the same times: grpc.keepalive_interval and
// grpc.keepalive_timeout by default.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

// The retry policy of the contract's service config, which tonic does not read: ABORTED alone, by which a gateway says that
// nothing was sent.
const MAX_ATTEMPTS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Sends pushes through a gateway. Clones share one connection.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    token_file: Option<Arc<Path>>,
    pub(crate) deadline: Duration,
    pub(crate) window: usize,
}

impl Client {
    /// Says how the gateway at `target` is reached, such as `gateway.example:50051`: over TLS with the authorities of the
    /// operating system, and shown nothing, unless the builder says otherwise.
    pub fn builder(target: impl Into<String>) -> Builder {
        Builder {
            target: target.into(),
            plaintext: false,
            ca_file: None,
            certificate: None,
            token_file: None,
            deadline: Duration::from_secs(30), // limits.max_wait by default
            window: 4096,                      // limits.batch_window by default
        }
    }

    /// The RPCs as they are. They show no token.
    #[must_use]
    pub fn stub(&self) -> PushServiceClient<Channel> {
        PushServiceClient::new(self.channel.clone())
    }

    /// Sends one push and waits for its verdict, which has what is wrong with the push. A push without an id is given one.
    ///
    /// # Errors
    ///
    /// What is of the call alone. [`CallError::nothing_sent`] says whether the push is in doubt.
    pub async fn send(&self, push: Push) -> Result<Answered, CallError> {
        let push = named(push);
        let by = Instant::now() + self.deadline;
        let mut attempts = 0;
        loop {
            // What an attempt holds is large, and callers hold what this holds.
            let status = match timeout_at(by, Box::pin(self.attempt(push.clone(), by))).await {
                Ok(Ok(verdict)) => return Ok(Answered { push, verdict }),
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("no verdict came in time"),
            };
            attempts += 1;
            let unreached = is_unreached(&status);
            let refused = status.code() == Code::Aborted && is_gateways(&status) && attempts < MAX_ATTEMPTS;
            let longest = LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow(attempts.min(8) - 1));
            let wait = longest.mul_f64(fastrand::f64()).max(advised_wait(&status));
            if !(unreached || refused) || Instant::now() + wait >= by {
                let nothing_sent = nothing_sent(&status);
                return Err(CallError { push: Box::new(push), status, nothing_sent });
            }
            sleep(wait).await;
        }
    }

    /// Sends many pushes over one stream after another, and gives each its end as soon as it is known, in any order. Pushes
    /// are taken only as fast as results are: at most [`Builder::window`] of them are open.
    ///
    /// Each push ends exactly once. A push that no gateway read is sent again by itself, over another stream. One that was
    /// read and whose verdict was lost is [`Ended::Unknown`](crate::Ended), and is not sent again, unless its options call it
    /// repeatable.
    ///
    /// An error is about the batch and is the last that comes; every push that was taken has ended by then, and the others
    /// were not sent. Whoever drops the batch never learns what became of the pushes that are open.
    pub fn send_batch(&self, pushes: impl Stream<Item = Push> + Send + 'static) -> Batch {
        Batch::start(self.clone(), Box::pin(pushes))
    }

    async fn attempt(&self, push: Push, by: Instant) -> Result<PushResult, Status> {
        let mut request = self.shown(SendPushRequest { push: Some(push) }).await?;
        request.set_timeout(by.saturating_duration_since(Instant::now()));
        let answer = self.stub().send_push(request).await?.into_inner();
        answer.result.ok_or_else(|| Status::unknown("the answer has no result"))
    }

    /// A request that shows the token, which is read for each call, because tokens are renewed on disk.
    pub(crate) async fn shown<T>(&self, message: T) -> Result<Request<T>, Status> {
        let mut request = Request::new(message);
        if let Some(file) = &self.token_file {
            let unreadable =
                |error: io::Error| Status::unauthenticated(format!("{}: {error}", file.display()));
            let token = tokio::fs::read_to_string(file).await.map_err(unreadable)?;
            let invalid =
                |_: InvalidMetadataValue| Status::unauthenticated(format!("{} has no token", file.display()));
            let mut value: tonic::metadata::AsciiMetadataValue =
                format!("Bearer {}", token.trim()).parse().map_err(invalid)?;
            value.set_sensitive(true);
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

/// Results are known by the id of a push, and whoever sends a push again repeats it.
pub(crate) fn named(mut push: Push) -> Push {
    if push.id.is_empty() {
        push.id = Uuid::new_v4().to_string();
    }
    push
}

/// Says how a gateway is reached.
#[derive(Debug, Clone)]
pub struct Builder {
    target: String,
    plaintext: bool,
    ca_file: Option<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
    token_file: Option<PathBuf>,
    deadline: Duration,
    window: usize,
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file cannot be read.
    #[error("{}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The target, or what a file holds, is not what it should be.
    #[error(transparent)]
    Transport(#[from] tonic::transport::Error),
    /// Files have no place beside `plaintext`: nothing is verified or shown without TLS.
    #[error("files have no place beside plaintext: nothing is verified or shown without TLS")]
    FilesWithoutTls,
    /// A window has at least one push, and no more than a channel may hold.
    #[error("expected a window of at least one push, found {0}")]
    Window(usize),
}

impl Builder {
    /// Does without TLS, as for a gateway on loopback. No token is ever sent so.
    #[must_use]
    pub fn plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// The authorities, in PEM, that the gateway's certificate may come from.
    #[must_use]
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// The client certificate that is shown, and its key. Make another client once it is renewed.
    #[must_use]
    pub fn certificate(mut self, certificate_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        self.certificate = Some((certificate_file.into(), key_file.into()));
        self
    }

    /// A JWT or a static key, alone in its file, which is read for each call.
    #[must_use]
    pub fn token_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.token_file = Some(file.into());
        self
    }

    /// The deadline of a [`Client::send`], and how long a batch waits for a gateway: 30 s unless this says otherwise.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many pushes of a batch are open at most, and no more than `limits.batch_window`: 4096 unless this says otherwise.
    #[must_use]
    pub fn window(mut self, window: usize) -> Self {
        self.window = window;
        self
    }

    /// Makes the client. It does not connect: the first call does.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the target or a certificate is malformed.
    pub fn build(self) -> Result<Client, SetupError> {
        let scheme = if self.plaintext { "http" } else { "https" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.target))?
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let files = self.token_file.is_some() || self.ca_file.is_some() || self.certificate.is_some();
        if self.plaintext && files {
            return Err(SetupError::FilesWithoutTls);
        }
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.window) {
            return Err(SetupError::Window(self.window));
        }
        if !self.plaintext {
            let mut tls = ClientTlsConfig::new();
            tls = match &self.ca_file {
                Some(file) => tls.ca_certificate(Certificate::from_pem(read(file)?)),
                None => tls.with_native_roots(),
            };
            if let Some((certificate, key)) = &self.certificate {
                tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
            }
            endpoint = endpoint.tls_config(tls)?;
        }
        Ok(Client {
            channel: endpoint.connect_lazy(),
            token_file: self.token_file.map(Into::into),
            deadline: self.deadline,
            window: self.window,
        })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, SetupError> {
    fs::read(file).map_err(|source| SetupError::File { file: file.to_owned(), source })
}
