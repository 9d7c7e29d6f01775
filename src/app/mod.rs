//! Builds every part once, runs until it is told to end, drains, and ends every task that it started.

mod certificates;
mod descriptors;
mod ending;
mod error;
mod feeding;
mod health;
mod http;
mod in_force;
mod issuers;
mod kept_metrics;
mod listeners;
mod network;
mod outbound;
mod reload;
mod routes;
mod running;
mod status;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::caller::Callers;
use crate::config::Config;
use crate::desk::Desk;
use crate::dispatch::Dispatcher;
use crate::held_bytes::BytesBudget;
use crate::ingress::admin::{Admin, StatusSource};
use crate::ingress::grpc::Service;
use crate::ingress::http::HttpParts;
use crate::listener::{Accepting, Draining, ServerTls};
use crate::metrics::Metrics;
use certificates::CertificateWatch;
use health::HealthKeeper;
use http::{HttpListener, HttpSocket};

pub(crate) use descriptors::fewer_callers;
pub use error::{ReloadError, StartError};
pub use in_force::Reloaded;
pub use network::Network;
pub(crate) use outbound::Outbound;
use routes::Lasting;
use running::{Running, desk_settings};
use status::{StatusKeeper, Watched};

/// A gateway that serves. It owns every task that it started.
pub struct Gateway {
    grpc_address: SocketAddr,
    admin_address: SocketAddr,
    /// The HTTP listeners, in the order of the configuration.
    http: Vec<HttpListener>,
    /// What stays while configurations come and go.
    lasting: Lasting,
    callers: Arc<Callers>,
    /// What callers hold of the gateway's memory.
    budget: Arc<BytesBudget>,
    desk: Arc<Desk>,
    /// TLS of the listener for gRPC and of that for operators.
    tls: [Option<ServerTls>; 2],
    certificates: Arc<CertificateWatch>,
    /// What the newest configuration says.
    running: Mutex<Running>,
    /// The tasks of issuers.
    issuers: TaskTracker,
    health: Arc<HealthKeeper>,
    /// Tells callers over HTTP/1.1 with each answer that their connection ends.
    drains: Draining,
    draining: CancellationToken,
    /// Ends the listeners of callers, and tells their connections to go.
    leave: CancellationToken,
    stop: CancellationToken,
    /// The tasks of batch streams.
    batches: TaskTracker,
    /// The listeners of callers, gRPC's and those of HTTP, with their connections.
    serving: JoinSet<()>,
    /// The admin listener, and the tasks that watch something until the end.
    tasks: JoinSet<()>,
}

impl Gateway {
    /// Builds every part and begins to serve.
    ///
    /// # Errors
    /// Fails if an address cannot be listened on, or the configuration names too many upstreams.
    pub async fn start(mut config: Config, network: Network) -> Result<Self, StartError> {
        let (grpc_listener, grpc_address) =
            listeners::listen("grpc.listen", config.grpc.listener.listen).await?;
        let (admin_listener, admin_address) =
            listeners::listen("admin.listen", config.admin.listener.listen).await?;
        let mut sockets =
            HttpSocket::bind(config.http.clone(), config.grpc.batch.reader_stall_timeout).await?;

        let drains = Draining::default();
        let [draining, leave, stop] = std::array::from_fn(|_| CancellationToken::new());
        let lasting = Lasting::new(&config, network);
        let Lasting { metrics, credentials, upstream, admission, .. } = &lasting;
        let feeds = lasting.feeding.named(&config, upstream, &metrics.feeds)?;
        let (routes, _) = routes::build(&config, &lasting, &feeds)?.used();
        let dispatcher = Dispatcher::new(config.dispatch.clone(), draining.clone());
        let desk = Desk::new(
            desk_settings(&config),
            routes,
            Arc::clone(admission),
            dispatcher,
            metrics.pushes.clone(),
        );
        let batches = TaskTracker::new();
        let desk = Arc::new(desk);
        let tls = [config.grpc.listener.tls.clone(), config.admin.listener.tls.clone()];
        let authorities = listeners::authorities(&config.callers);
        tls.iter().flatten().try_for_each(|tls| tls.know_clients(&authorities))?;
        let (mut tasks, issuers) = (JoinSet::new(), TaskTracker::new());
        let running = Running::of(&config, upstream, metrics, &issuers, &stop)?;
        let tokens = running.issuers.used();
        let budget = BytesBudget::new(config.max_held_bytes);
        metrics.memory.show(&budget);
        let shares = Arc::clone(&budget);
        let callers =
            Callers::new(std::mem::take(&mut config.callers), tokens, shares, metrics.callers.clone());
        let callers = Arc::new(callers);
        let service = Service {
            desk: Arc::clone(&desk),
            max_batch_streams: config.grpc.max_batch_streams,
            max_message_items: config.grpc.max_message_items,
            stream_window: config.grpc.http2.stream_window as usize,
            answer_stall_timeout: config.grpc.listener.answer_stall_timeout,
            batches: batches.clone(),
        };
        let standings = credentials.standings();
        let health = Arc::new(HealthKeeper::new(standings, &config.apps));
        let mut accepting = vec![Accepting::default()];
        let mut settings = config.grpc.clone();
        let of_http = sockets.iter_mut().map(HttpSocket::max_connections);
        let mut wanted: Vec<_> = of_http.chain([&mut settings.listener.max_connections]).collect();
        descriptors::limit_callers(&mut wanted, config.upstream.max_connections);
        let (of_callers, of_connections) = (Arc::clone(&callers), Arc::clone(&budget));
        let grpc = listeners::grpc(
            settings,
            service,
            of_callers,
            of_connections,
            grpc_listener,
            accepting[0].clone(),
            health.subscribe(),
            metrics,
            leave.clone(),
        )?;
        let mut serving = JoinSet::from_iter([grpc]);
        let parts = HttpParts {
            desk: Arc::clone(&desk),
            callers: Arc::clone(&callers),
            budget: Arc::clone(&budget),
            batches: batches.clone(),
            upstream: Arc::clone(upstream),
            mattermost: metrics.mattermost.clone(),
            matrix: metrics.matrix.clone(),
        };
        http::name_forwards(&config.http, upstream)?;
        let mut http = Vec::new();
        for socket in sockets {
            let (listener, of_calls, name, settings, socket) = socket.listener(&parts, &metrics.http);
            listener.know_clients(&authorities)?;
            let accepts = Accepting::default();
            accepting.push(accepts.clone());
            let (metrics, drains, leave) = (&metrics.listeners, drains.clone(), leave.clone());
            serving
                .spawn(listeners::http(of_calls, &name, settings, socket, accepts, drains, metrics, leave));
            http.push(listener);
        }
        let certificates = Arc::new(CertificateWatch::new(metrics.credentials.clone()));
        certificates.watch(&config, &http);
        let status = Arc::new(StatusKeeper::new(Watched {
            desk: Arc::clone(&desk),
            callers: Arc::clone(&callers),
            admission: Arc::clone(admission),
            credentials: Arc::clone(credentials),
            upstream: Arc::clone(upstream),
            problems: Arc::clone(&lasting.problems),
            feeding: Arc::clone(&lasting.feeding),
            certificates: Arc::clone(&certificates),
            health: health.subscribe(),
            accepting: accepting.clone(),
        }));
        tasks.spawn(Arc::clone(&status).run(stop.clone()));
        lasting.feeding.run(feeds);
        let readers = (!admin_address.ip().is_loopback()).then(|| Arc::clone(&callers));
        let admin = Admin {
            metrics: Arc::clone(metrics),
            admission: Arc::clone(admission),
            health: health.subscribe(),
            accepting,
            readers,
            status: StatusSource::new(move || status.look(), stop.clone()),
        };

        tasks.spawn(Arc::clone(&health).run(stop.clone()));
        tasks.spawn(listeners::admin(admin, config.admin.listener.clone(), admin_listener, stop.clone()));
        tracing::info!(grpc = %grpc_address, admin = %admin_address, http = ?addresses(&http), "serving");
        tasks.spawn(Arc::clone(&certificates).run(stop.clone()));
        Ok(Self {
            grpc_address,
            admin_address,
            http,
            lasting,
            callers,
            budget,
            desk,
            tls,
            certificates,
            running: Mutex::new(running),
            issuers,
            health,
            drains,
            draining,
            leave,
            stop,
            batches,
            serving,
            tasks,
        })
    }

    /// Returns the address where gRPC is served.
    #[must_use]
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc_address
    }

    /// Returns the address of the admin listener.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Returns the addresses of the HTTP listeners, in the order of the configuration.
    #[must_use]
    pub fn http_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.http)
    }

    /// Returns every metric.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.lasting.metrics
    }
}

fn addresses(http: &[HttpListener]) -> Vec<SocketAddr> {
    http.iter().map(|listener| listener.address).collect()
}
