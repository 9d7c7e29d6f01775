//! The load: calls and streams made of frames written beforehand, so that it never limits what it measures.

mod batch;
mod mattermost;
mod page;
mod session;
mod unary;

use std::future::Future;

use anyhow::Context;

use super::callers::Material;
use super::child::{Line, Started, tell};
use super::spec::{Shape, Spec, WatchedBy};
use super::tally::Shared;
use batch::Batch;
use session::Server;
use unary::Unary;

pub(crate) async fn start(
    spec: Spec,
    port: u16,
    admin: Option<u16>,
    material: Option<&Material>,
) -> anyhow::Result<Started> {
    let server = Server {
        port,
        tls: material.map(|material| material.connector(&spec)).transpose()?.flatten(),
        authorization: material.and_then(|material| material.authorization(&spec)),
    };
    if spec.watched_by == WatchedBy::Page {
        spawn(page::watch(admin.context("a server with a page")?));
    }
    let tally = Shared::new()?;
    let counted = tally.clone();
    spawn(async move {
        if spec.mixed_warm_up {
            let warm = Shared::new()?;
            for shape in [Shape::Unary, Shape::Stream(1)] {
                open(&spec, shape, &server, &warm);
            }
            tokio::time::sleep(spec.warm_up).await;
            warm.drain(spec.latency).await;
        }
        open(&spec, spec.shape, &server, &tally);
        tally.measure(spec).await;
        Ok(())
    });
    Ok(Started { port: 0, also: None, ca: None, counts: Box::new(move || counted.counts()) })
}

fn open(spec: &Spec, shape: Shape, server: &Server, tally: &Shared) {
    match shape {
        Shape::Unary | Shape::Waves => {
            for at in 0..spec.connections {
                let share =
                    spec.in_flight * (at + 1) / spec.connections - spec.in_flight * at / spec.connections;
                let waves = shape == Shape::Waves;
                spawn(Unary::run(server.clone(), spec.body, share, waves, tally.clone()));
            }
        }
        Shape::Mattermost => {
            for at in 0..spec.in_flight {
                // Each connection has numbers enough for any run.
                let first = u32::try_from(at).unwrap_or_default() << 24;
                spawn(mattermost::run(server.port, spec.body, first, tally.clone()));
            }
        }
        Shape::Stream(_) | Shape::Multicast(_) => {
            spawn(Batch::run(server.clone(), spec.body, shape, spec.in_flight, tally.clone()));
        }
    }
}

fn spawn(work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = work.await {
            tell(&Line::Failed(format!("load: {error:#}")));
        }
    });
}
