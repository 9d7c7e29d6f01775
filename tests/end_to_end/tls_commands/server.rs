//! A gateway that a test scripts: it accepts every push of a caller that it knows, and notes what each call showed.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use fanfare::proto::push_service_server::{PushService, PushServiceServer};
use fanfare::proto::{
    BatchProgress, Outcome, PushResult, SendBatchRequest, SendBatchResponse, SendPushRequest,
    SendPushResponse, SendPushesRequest, SendPushesResponse,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::server::ServerTlsConfig;
use tonic::transport::{Certificate, Identity, Server};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::certificates::{Ca, Issued};

/// What a call showed: the value of `authorization`, and whether a client certificate came with it.
pub(super) type Shown = (Option<String>, bool);

/// A scripted gateway, which runs until it is dropped.
pub(super) struct ScriptedGateway {
    pub(super) address: SocketAddr,
    script: Arc<Script>,
    task: JoinHandle<()>,
}

/// What the gateway does, and what it saw.
#[derive(Default)]
struct Script {
    /// The tokens of callers that it knows no longer once they have sent one message, and what it does at that moment.
    expire: Mutex<HashMap<String, Box<dyn Fn() + Send>>>,
    calls: Mutex<Vec<Shown>>,
    device_tokens: Mutex<Vec<String>>,
}

impl ScriptedGateway {
    /// Starts one. With a CA, it asks for a client certificate of that CA, and without one of another.
    pub(super) async fn start(identity: Option<&Issued>, callers: Option<&Ca>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::<Script>::default();
        let mut server = Server::builder();
        if let Some(Issued { certificate, key }) = identity {
            let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
            let tls = match callers {
                Some(ca) => tls.client_ca_root(Certificate::from_pem(ca.pem())),
                None => tls,
            };
            server = server.tls_config(tls).unwrap();
        }
        let service = server.add_service(PushServiceServer::new(Service(Arc::clone(&script))));
        let serving = service.serve_with_incoming(TcpListenerStream::new(listener));
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, script, task }
    }

    /// The first message of a caller with this token is its last one.
    pub(super) fn expire(&self, token: &str, then: impl Fn() + Send + 'static) {
        self.script.expire.lock().unwrap().insert(format!("Bearer {token}"), Box::new(then));
    }

    /// What each call showed since this was last asked.
    pub(super) fn calls(&self) -> Vec<Shown> {
        std::mem::take(&mut self.script.calls.lock().unwrap())
    }

    /// The device tokens of all pushes, of which none may have come twice.
    pub(super) fn device_tokens(&self) -> BTreeSet<String> {
        let all = self.script.device_tokens.lock().unwrap();
        let once: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!(once.len(), all.len(), "a push came twice");
        once
    }
}

impl Drop for ScriptedGateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Service(Arc<Script>);

impl Script {
    fn note<T>(&self, request: &Request<T>) -> Option<String> {
        let authorization = request.metadata().get("authorization");
        let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
        self.calls.lock().unwrap().push((authorization.clone(), request.peer_certs().is_some()));
        authorization
    }

    fn accept(&self, push: fanfare::proto::Push, index: usize) -> PushResult {
        let device_token = push.target.and_then(|target| target.apns).unwrap().token;
        self.device_tokens.lock().unwrap().push(device_token);
        let mut result =
            PushResult { id: push.id, index: index.try_into().unwrap(), ..PushResult::default() };
        result.set_outcome(Outcome::Accepted);
        result
    }
}

fn caller_unknown() -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info("CALLER_UNKNOWN", "push.fanfare.dev", HashMap::new());
    Status::with_error_details(Code::Unauthenticated, "the token has expired", details)
}

#[tonic::async_trait]
impl PushService for Service {
    type SendBatchStream = ReceiverStream<Result<SendBatchResponse, Status>>;

    async fn send_push(
        &self,
        request: Request<SendPushRequest>,
    ) -> Result<Response<SendPushResponse>, Status> {
        self.0.note(&request);
        let push = request.into_inner().push.unwrap();
        Ok(Response::new(SendPushResponse { result: Some(self.0.accept(*push, 0)) }))
    }

    async fn send_pushes(
        &self,
        _: Request<SendPushesRequest>,
    ) -> Result<Response<SendPushesResponse>, Status> {
        Err(Status::unimplemented("no command calls this"))
    }

    async fn send_batch(
        &self,
        request: Request<tonic::Streaming<SendBatchRequest>>,
    ) -> Result<Response<Self::SendBatchStream>, Status> {
        let authorization = self.0.note(&request).unwrap_or_default();
        let (script, mut messages) = (Arc::clone(&self.0), request.into_inner());
        let (sender, answers) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut read = 0;
            while let Ok(Some(message)) = messages.message().await {
                let pushes = message.pushes.into_iter().zip(read..);
                let results: Vec<_> = pushes.map(|(push, index)| script.accept(push, index)).collect();
                read += results.len();
                let progress =
                    BatchProgress { items_read: read.try_into().unwrap(), ..BatchProgress::default() };
                let _ = sender.send(Ok(SendBatchResponse { results, progress: Some(progress) })).await;
                let expires = script.expire.lock().unwrap().get(&authorization).map(|then| then()).is_some();
                if expires {
                    let _ = sender.send(Err(caller_unknown())).await;
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}
