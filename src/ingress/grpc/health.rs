//! Health checks. Anybody may ask whether the gateway as a whole serves, since load balancers show nothing. About anything
//! else, only callers that the gateway knows may ask.

use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::HealthService;

use super::authenticate;
use crate::proto::push_service_server::SERVICE_NAME;

/// Health checks, some of which need a known caller.
#[derive(Debug)]
pub(crate) struct GuardedHealth(HealthService);

impl GuardedHealth {
    pub(crate) fn server(service: HealthService) -> HealthServer<Self> {
        HealthServer::new(Self(service))
    }
}

/// Fails if the caller may not ask about this service.
fn may_ask(request: &Request<HealthCheckRequest>) -> Result<(), Status> {
    let service = &request.get_ref().service;
    if service.is_empty() || service == SERVICE_NAME {
        return Ok(());
    }
    authenticate::caller(request.extensions()).map(|_| ())
}

#[tonic::async_trait]
impl Health for GuardedHealth {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        may_ask(&request)?;
        self.0.check(request).await
    }

    type WatchStream = <HealthService as Health>::WatchStream;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        may_ask(&request)?;
        self.0.watch(request).await
    }
}
