//! Starts the party under test: a server that the load calls, or a loop that makes its own load.

use std::sync::Arc;

use anyhow::{Context, bail};

use super::callers::Material;
use super::child::{Counts, Started};
use super::controls::{self, Control};
use super::gateway;
use super::hyper_echo;
use super::raw::{echo, h2loop};
use super::sockets::Writes;
use super::spec::{Spec, Subject, Upstream};
use super::tally::Shared;

pub(crate) async fn start(
    spec: Spec,
    upstream: Option<Upstream>,
    material: Option<Material>,
) -> anyhow::Result<Started> {
    let stand_in = || upstream.clone().context("a subject without a stand-in");
    match spec.subject {
        Subject::Gateway => gateway::start(spec, stand_in()?, material).await,
        Subject::Echo => Ok(serving(echo::serve().await?)),
        Subject::HyperEcho => Ok(serving(hyper_echo::serve().await?)),
        Subject::FreshGateway => {
            let control = Arc::new(Control::new(&spec, &stand_in()?)?);
            Ok(serving(controls::serve(control).await?))
        }
        Subject::H2Loop => {
            let (tally, writes) = (Shared::new()?, Writes::default());
            h2loop::start(&spec, &stand_in()?, &writes, &tally).await?;
            let counted = tally.clone();
            tokio::spawn(tally.measure(spec));
            let counts = move || writes.counts().into_iter().chain(counted.counts()).collect();
            Ok(Started { port: 0, also: None, ca: None, counts: Box::new(counts) })
        }
        Subject::Pushy => bail!("PUSHY is a program of its own"),
        Subject::Fresh | Subject::HyperUtil => {
            let tally = Shared::new()?;
            Arc::new(Control::new(&spec, &stand_in()?)?).repeat(spec.in_flight, &tally);
            let counted = tally.clone();
            tokio::spawn(tally.measure(spec));
            Ok(Started { port: 0, also: None, ca: None, counts: Box::new(move || counted.counts()) })
        }
    }
}

fn serving(port: u16) -> Started {
    Started { port, also: None, ca: None, counts: Box::new(Counts::new) }
}
