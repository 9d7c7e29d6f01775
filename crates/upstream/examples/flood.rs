//! Sends many requests to one HTTP/2 server that echoes them, and checks that each got its own answer.
//!
//! `flood ORIGIN CA REQUESTS IN_FLIGHT`, with an origin such as `https://localhost:8443` and a file of root
//! certificates. An origin with the scheme `http` is spoken to in HTTP/2 without TLS, and its CA may be `-`.
//!
//! `tests/cross/http2-servers` runs it against servers that were written elsewhere. It prints one line with its counts,
//! and fails if a single request is not answered with status 200 and the body that was sent.

#![expect(clippy::print_stdout, reason = "an example talks to people")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fanfare_upstream::{
    Flow, Http, InFlight, Indexing, Observe, ObservePeer, Peer, PeerKind, PeerPool, Reach, Report, Request,
    Share, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls,
};
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use tokio::time::Instant;

/// How long all requests together may take, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(240);

/// The shortest and the longest body, in bytes.
const SHORTEST: u64 = 200;
const LONGEST: u64 = 4000;

/// Counts what the pool reports.
#[derive(Clone, Default)]
struct Counts(Arc<Counters>);

#[derive(Default)]
struct Counters {
    opened: AtomicU64,
    resent: AtomicU64,
}

impl Observe for Counts {
    fn peer(&self, _: &Peer, _: PeerKind) -> Box<dyn ObservePeer> {
        Box::new(self.clone())
    }
}

impl ObservePeer for Counts {
    fn report(&self, report: Report<'_>) {
        // What else is reported is not counted here.
        if let Report::Opened(_) = report {
            self.0.opened.fetch_add(1, Ordering::Relaxed);
        } else if let Report::Resent(_) = report {
            self.0.resent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [origin, ca, requests, in_flight] = words.as_slice() else {
        return Err("usage: flood ORIGIN CA REQUESTS IN_FLIGHT".into());
    };
    let (requests, in_flight): (u64, usize) = (requests.parse()?, in_flight.parse()?);
    let extra = if ca == "-" { Vec::new() } else { vec![std::fs::read(ca)?] };

    let counts = Counts::default();
    // An answer may take as long as all together: a server that is slow is not a server that loses requests.
    let settings = UpstreamSettings { answer_timeout: PATIENCE, ..UpstreamSettings::default() };
    let upstream = Upstream::new(settings, Arc::new(SystemResolver), Arc::new(TcpDialer), counts.clone());
    let peer = upstream.peer(Peer {
        origin: origin.parse()?,
        identity: "flood".into(),
        tls: tls::client_config(tls::roots(&extra)?, None, Http::Two)?,
        http: Http::Two,
        proxy: None,
        reach: Reach::Anywhere,
        proves_credential: false,
    })?;

    let begun = Instant::now();
    let limit = Arc::<InFlight>::default();
    // How often each failure happened.
    let mut failures: BTreeMap<String, u64> = BTreeMap::new();
    let mut answers = stream::iter(0..requests)
        .map(|number| {
            let (peer, limit) = (&peer, &limit);
            async move {
                // What is in flight is bounded below.
                let share = limit.begin(usize::MAX).ok_or("too many requests are in flight")?;
                send(peer, number, begun + PATIENCE, &share).await
            }
        })
        .buffer_unordered(in_flight);
    while let Some(answer) = answers.next().await {
        if let Err(error) = answer {
            *failures.entry(error.to_string()).or_default() += 1;
        }
    }
    drop(answers);
    let took = begun.elapsed();
    upstream.shut_down();
    tokio::time::timeout(PATIENCE, upstream.closed()).await?;

    let lost: u64 = failures.values().sum();
    println!(
        "{requests} sent, {} answered, {} resent, {lost} lost, {} connections, {:.2} s",
        requests - lost,
        counts.0.resent.load(Ordering::Relaxed),
        counts.0.opened.load(Ordering::Relaxed),
        took.as_secs_f64(),
    );
    if failures.is_empty() {
        return Ok(());
    }
    Err(failures.iter().map(|(why, times)| format!("{times} × {why}")).collect::<Vec<_>>().join("; ").into())
}

/// Sends a request, and checks that the answer is its own.
async fn send(peer: &PeerPool, number: u64, deadline: Instant, share: &Share) -> Result<(), Box<dyn Error>> {
    let permit = peer.permit(Flow::SINGLE, deadline).await?;
    let again = || request(number).ok();
    let reply = permit.exchange(request(number)?, again, share).await?.reply;
    if reply.status != StatusCode::OK {
        return Err(format!("the server answered {}", reply.status).into());
    }
    if reply.body != body(number) {
        return Err("the answer is not an echo of the request".into());
    }
    Ok(())
}

/// The request with this number. Each has another path and another body.
fn request(number: u64) -> Result<Request, Box<dyn Error>> {
    let mut request = Request::new(&Method::POST, &["/echo/", &number.to_string()], body(number))?;
    request.push("content-type", "text/plain", Indexing::Repeats)?;
    request.push_number("request-number", number, Indexing::Varies)?;
    request.push("authorization", format!("bearer {number:064x}"), Indexing::Secret)?;
    Ok(request)
}

/// A body that names its request. The lengths are spread evenly, and neighbours differ much.
fn body(number: u64) -> Bytes {
    let length = SHORTEST + number * 1_237 % (LONGEST - SHORTEST + 1);
    let text = format!("{number} ");
    text.bytes().cycle().take(usize::try_from(length).unwrap_or_default()).collect()
}
