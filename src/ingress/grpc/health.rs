//! Health checks. Anybody may ask whether the gateway as a whole serves, since load balancers show nothing. About an app,
//! `app/NAME`, only callers may ask that may push for it; to others its name reads as one that does not exist.
//!
//! tonic's own service is not used, since it refuses to watch a name that it does not know yet, and ends a watch when its name
//! goes. The protocol says SERVICE_UNKNOWN then, and goes on. Source: github.com/grpc/grpc, `doc/health-checking.md`.

use futures_util::stream::{BoxStream, StreamExt, unfold};
use tokio::sync::watch;
use tonic::{Extensions, Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpcs, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::{ConnectInfo, authenticate, encode};
use crate::caller::{Caller, OpenCall};
use crate::ingress::health::Health;
use crate::listener::Leaving;
use crate::proto::push_service_server::SERVICE_NAME;
use crate::push::AppId;

/// The names of apps begin so.
const APP: &str = "app/";

/// How many watches are open on one connection. A client has one for each name that it watches.
const MAX_WATCHES: usize = 256;

/// The health checks.
#[derive(Debug)]
pub(crate) struct HealthChecks(watch::Receiver<Health>);

impl HealthChecks {
    /// A service that tells this health.
    pub(crate) fn server(health: watch::Receiver<Health>) -> HealthServer<Self> {
        HealthServer::new(Self(health))
    }
}

/// Whose health is asked for.
enum Asked {
    Gateway,
    App(Caller, AppId),
    /// Something that there is not, and never will be.
    Nothing,
}

impl Asked {
    /// Finds out whose health this is.
    ///
    /// # Errors
    /// Fails if a stranger asks for more than the gateway's.
    fn find(service: &str, extensions: &Extensions) -> Result<Self, Status> {
        if service.is_empty() || service == SERVICE_NAME {
            return Ok(Self::Gateway);
        }
        let caller = authenticate::caller(extensions)?;
        let app = service.strip_prefix(APP).and_then(|name| AppId::parse(name).ok());
        Ok(app.map_or(Self::Nothing, |app| Self::App(caller.clone(), app)))
    }

    /// How it is now; none where the caller may ask for nothing of this name. That may change with the configuration.
    fn status(&self, health: &Health) -> Option<ServingStatus> {
        let serves = match self {
            Self::Gateway => Some(!health.draining),
            Self::App(caller, app) if caller.may_push_for(app).is_ok() => health.app_serves(app),
            Self::App(..) | Self::Nothing => None,
        }?;
        Some(if serves { ServingStatus::Serving } else { ServingStatus::NotServing })
    }
}

/// A watch of one name.
struct Watch {
    health: watch::Receiver<Health>,
    asked: Asked,
    told: Option<ServingStatus>,
    leaving: Leaving,
    _open: OpenCall,
}

impl Watch {
    /// Waits until there is something to tell; none where nothing more will come.
    async fn next(&mut self) -> Option<Result<HealthCheckResponse, Status>> {
        loop {
            let status = self.asked.status(&self.health.borrow_and_update());
            let status = status.unwrap_or(ServingStatus::ServiceUnknown);
            if self.told.replace(status) != Some(status) {
                return Some(Ok(HealthCheckResponse { status: status.into() }));
            }
            tokio::select! {
                // What changed before the caller is told to go is told first.
                biased;
                changed = self.health.changed() => changed.ok()?,
                // A watch goes on for ever, and would keep the connection.
                () = self.leaving.told_to_go().cancelled() => return Some(Err(encode::watch_over())),
            }
        }
    }
}

#[tonic::async_trait]
impl HealthRpcs for HealthChecks {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let asked = Asked::find(&request.get_ref().service, request.extensions())?;
        let status = asked.status(&self.0.borrow());
        let status = status.ok_or_else(|| Status::not_found("there is no such service here"))?;
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let asked = Asked::find(&request.get_ref().service, request.extensions())?;
        let connection = request.extensions().get::<ConnectInfo>();
        let Some((connection, open)) = connection.and_then(|it| Some((it, it.watches.open(MAX_WATCHES)?)))
        else {
            return Err(encode::too_many_watches(MAX_WATCHES));
        };
        let leaving = connection.client.leaving().clone();
        let watch = Watch { health: self.0.clone(), asked, told: None, leaving, _open: open };
        let answers = unfold(Some(watch), async |watch| {
            let mut watch = watch?;
            let answer = watch.next().await?;
            let goes_on = answer.is_ok();
            Some((answer, goes_on.then_some(watch)))
        });
        Ok(Response::new(answers.boxed()))
    }
}
