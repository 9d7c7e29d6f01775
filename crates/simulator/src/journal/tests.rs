//! What a full journal keeps.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::{Entry, Journal, JournalBounds, Query, Reading, RequestOutcome, Stage};
use crate::Service;
use crate::sync::ChangeNotifier;

const BOUNDS: JournalBounds = JournalBounds { entries: 100, headers: 10, bodies: 5 };

/// Makes a journal at which this many requests arrived, were read and answered.
fn journal(requests: u64) -> Journal {
    let journal = Journal::new(BOUNDS, Arc::new(ChangeNotifier::default()));
    for number in 1..=requests {
        let (id, order) = journal.arrive(|order, headers| Entry {
            order,
            connection: 1,
            stream: 1,
            service: Service::Fcm,
            arrived_ms: 0,
            method: Method::POST,
            path: "/".into(),
            apns_id: None,
            headers: headers.then(Vec::new),
            read: None,
            outcome: RequestOutcome::Unanswered,
            cancelled: None,
            broken_off: None,
        });
        assert_eq!(order, number);
        journal.finish_reading(id, Some(reading(number)));
        journal.conclude(id, RequestOutcome::Answered { status: 200, reason: None, at_ms: 0 });
    }
    journal
}

fn reading(number: u64) -> Reading {
    Reading {
        body_len: 2,
        body_sha256: [0; 32],
        digest: [0; 32],
        body: Some(Bytes::from_static(b"{}")),
        decrypted: None,
        token: Some(if number.is_multiple_of(2) { "even" } else { "odd" }.into()),
    }
}

#[test]
fn a_full_journal_keeps_the_newest_and_counts_what_it_dropped() {
    let journal = journal(250);
    assert_eq!(
        (journal.len(), journal.dropped(), journal.arrived(), journal.answered()),
        (100, 150, 250, 250)
    );
    let entries = journal.entries();
    assert_eq!((entries[0].order, entries[99].order), (151, 250));
    assert!(entries.iter().all(|entry| entry.read.is_some() && entry.outcome != RequestOutcome::Unanswered));
    let with =
        |kept: fn(&Entry) -> bool| entries.iter().filter(move |entry| kept(entry)).map(|entry| entry.order);
    let bodies = |entry: &Entry| entry.read.as_ref().is_some_and(|read| read.body.is_some());
    assert!(with(|entry| entry.headers.is_some()).eq(241..=250));
    assert!(with(bodies).eq(246..=250));
}

#[test]
fn pages_go_through_all_that_is_wanted_once() {
    let journal = journal(250);
    let (mut query, mut seen) = (Query { token: Some("odd".to_owned()), ..Query::default() }, Vec::new());
    loop {
        let page = journal.page(&query, 7);
        assert!(page.entries.len() <= 7);
        seen.extend(page.entries.iter().map(|entry| entry.order));
        let Some(last) = page.entries.last().filter(|_| page.more) else { break };
        query.after = last.order;
    }
    assert!(seen.into_iter().eq((151..=249).step_by(2)));
}

#[test]
fn what_is_concluded_after_it_was_dropped_or_taken_changes_nothing_else() {
    let journal = journal(99);
    let entry = journal.entries()[0].clone();
    let (early, _) = journal.arrive(|order, _| Entry { order, ..entry });
    assert_eq!(journal.take().len(), 100);
    journal.conclude(early, RequestOutcome::Refused);
    assert!(journal.is_empty());
    journal.reset();
    assert_eq!((journal.arrived(), journal.dropped()), (0, 0));
}

#[tokio::test]
async fn a_wait_ends_when_enough_is_there_or_at_its_timeout() {
    let journal = Arc::new(journal(1));
    let query = Query { after: 1, stage: Stage::Settled, ..Query::default() };
    assert!(journal.wait_for(&query, 1, Duration::ZERO).await.is_err());
    let entry = journal.entries()[0].clone();
    let arriving = async {
        let (id, _) =
            journal.arrive(|order, _| Entry { order, outcome: RequestOutcome::Unanswered, ..entry });
        journal.conclude(id, RequestOutcome::Refused);
    };
    let (waited, ()) = tokio::join!(journal.wait_for(&query, 1, Duration::from_secs(30)), arriving);
    assert_eq!(waited, Ok(()));
}
