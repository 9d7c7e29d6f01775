//! `fanfare simulate`: runs the simulator as a process, for tests in any language.

mod config;
mod facts;
mod files;
mod flags;

use std::fmt;
use std::path::Path;

use serde_json::json;

use super::done::Done;
use super::output::{print_or_tell, tell};
use super::signals::{StopSignals, ignore_hangups};
use facts::Facts;
use fanfare_simulator::{
    Simulator, SimulatorError, WebPushScriptedSubscription, web_push_scripted_subscriptions,
};
use files::Secrets;
pub(super) use flags::Simulate;

impl Simulate {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        ignore_hangups(|| tell("SIGHUP is ignored; SIGTERM or SIGINT ends the simulator"))?;
        let mut stop = StopSignals::listen()?;
        let simulator = self.builder().start().await?;
        for rule in &self.faults {
            simulator.add_fault(rule.clone());
        }
        let secrets = self.secrets(&simulator)?;
        let facts = Facts::new(&simulator, &self.topics, &self.projects, &secrets.vapid);
        files::write(&self.dir, &simulator, &secrets, &facts)?;
        match self.json {
            true => print_or_tell(serde_json::to_string_pretty(&facts)?),
            false => self.say(Addresses(&facts, &self.dir)),
        }
        stop.wait().await;
        // A second signal ends the waiting for requests that are under way.
        tokio::select! {
            () = simulator.drain(self.drain_timeout) => {}
            () = stop.wait() => {}
        }
        let counters = simulator.counters();
        let (requests, connections) = (counters.requests_arrived, counters.connections_opened);
        match self.json {
            true => print_or_tell(format_args!(
                "{:#}",
                json!({ "requests": requests, "connections": connections })
            )),
            false => self.say(format_args!("{requests} requests on {connections} connections")),
        }
        simulator.shutdown().await;
        Ok(Done::Good)
    }

    fn secrets(&self, simulator: &Simulator) -> Result<Secrets, SimulatorError> {
        let (fcm, web_push) = (simulator.fcm(), simulator.web_push());
        let projects: Vec<&str> = self.projects.iter().map(String::as_str).collect();
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let vapid = web_push.new_key()?;
        let subscribe = |row: &WebPushScriptedSubscription| {
            web_push.subscribe(row.vendor, &vapid.public_key, row.outcome)
        };
        let subscriptions =
            web_push_scripted_subscriptions().iter().map(|row| Ok((row.name(), subscribe(row)?)));
        Ok(Secrets {
            service_account: fcm.add_service_account(&projects)?.key_json(),
            user: fcm.add_user(&projects).json(),
            client: simulator.client_certificate(&topics)?,
            subscriptions: subscriptions.collect::<Result<_, SimulatorError>>()?,
            vapid,
        })
    }

    fn say(&self, what: impl fmt::Display) {
        if !self.quiet {
            print_or_tell(what);
        }
    }
}

/// The addresses at which the simulator listens, as text for people.
struct Addresses<'a>(&'a Facts<'a>, &'a Path);

impl fmt::Display for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(facts, dir) = self;
        writeln!(f, "production {}", facts.production)?;
        writeln!(f, "sandbox    {}", facts.sandbox)?;
        writeln!(f, "fcm        {}", facts.fcm.origin)?;
        writeln!(f, "token      {}", facts.fcm.token_uri)?;
        writeln!(f, "metadata   {}", facts.fcm.metadata)?;
        writeln!(f, "mattermost {} {}", facts.mattermost.origin, facts.mattermost.tls_origin)?;
        writeln!(f, "web push   {}", facts.web_push.origin)?;
        writeln!(f, "control    {}", facts.control)?;
        for channel in &facts.channels {
            writeln!(f, "channel    {} {}", channel.bundle_id, channel.channel_id)?;
        }
        write!(f, "gateway    fanfare serve --config {}", dir.join("fanfare.toml").display())
    }
}
