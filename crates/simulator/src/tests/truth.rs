//! The journal is the judge of other tests, so it is judged here: what a client was told and what the journal says
//! must agree, whatever the timing.

use std::time::Duration;

use super::client::{Client, finish};
use crate::journal::RequestOutcome;
use crate::{AfterGoAway, Fault, GoAway, HangUp, LastId, Simulator};

const ROUNDS: u64 = 24;
const PUSHES: u32 = 120;

/// What the client learned about one push.
#[derive(Debug)]
enum Learned {
    Answer(u16),
    NotProcessed,
    Refused,
    Nothing,
}

fn learned(result: Result<super::client::Reply, h2::Error>) -> Learned {
    match result {
        Ok(reply) => Learned::Answer(reply.status.as_u16()),
        Err(error) if error.is_go_away() && error.is_remote() => Learned::NotProcessed,
        Err(error) if error.reason() == Some(h2::Reason::REFUSED_STREAM) => Learned::Refused,
        Err(_) => Learned::Nothing,
    }
}

fn fault(round: u64, dice: &mut fastrand::Rng) -> Fault {
    let then = match round % 4 {
        0 => AfterGoAway::Drain,
        1 => AfterGoAway::Serve,
        2 => AfterGoAway::HangUp(HangUp::Fin),
        _ => AfterGoAway::HangUp(HangUp::Reset),
    };
    let last = LastId::Exact(dice.u32(1..=PUSHES) * 2 + 1);
    Fault::GoAway(GoAway { last, code: 0, reason: Some("Shutdown".to_owned()), then })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_was_told_agrees_with_the_journal() {
    let simulator = Simulator::builder().latency(Duration::from_micros(300)).start().await.unwrap();
    let mut dice = fastrand::Rng::with_seed(11);
    let (mut answered, mut excluded) = (0, 0);
    for round in 0..ROUNDS {
        let mut client = Client::trusted_as(&simulator, 2 * (round + 1)).await;
        let strike_at = dice.u32(0..PUSHES);
        let mut pushes = Vec::new();
        for push in 0..PUSHES {
            if push == strike_at {
                simulator.on_connection(round + 1, &fault(round, &mut dice)).unwrap();
            }
            let token = format!("{round:04}{push:04}");
            match client.try_start(&token).await {
                Some(response) => pushes.push((token, tokio::spawn(finish(response)))),
                None => break,
            }
        }
        for (token, push) in pushes {
            let learned = learned(push.await.unwrap());
            let entry = simulator.journal().by_device_token(&token).pop();
            let outcome = entry.as_ref().map(|entry| &entry.outcome);
            match learned {
                Learned::Answer(_) => answered += 1,
                Learned::NotProcessed => excluded += 1,
                Learned::Refused | Learned::Nothing => {}
            }
            let agrees = match learned {
                Learned::Answer(200) => matches!(outcome, Some(RequestOutcome::Answered { status: 200, .. })),
                Learned::Answer(_) => false,
                Learned::NotProcessed => matches!(outcome, None | Some(RequestOutcome::Excluded)),
                Learned::Refused => matches!(outcome, Some(RequestOutcome::Refused)),
                Learned::Nothing => true,
            };
            assert!(agrees, "round {round}, {token}: the client was told {learned:?}, the journal {entry:?}");
        }
    }
    assert!(answered > 0 && excluded > 0, "{answered} answered, {excluded} excluded: nothing was tested");
}
