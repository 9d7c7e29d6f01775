//! What callers are told for each fault of a peer that has begun a connection.

use super::frames::*;
use super::world::{Verdict, World, one_connection};
use crate::tests::*;
use NoAnswerCause::{AnswerTimeout, ConnectionLost, Reset, Unreadable};
use Verdict::{Answered, Unanswered, Unsent};

/// What the server does when it has said everything.
#[derive(Clone, Copy)]
enum Then {
    /// It answers PINGs, and nothing else. The client resets these streams, with these codes.
    Stays(&'static [(u32, u32)]),
    Closes,
    Resets,
}

const STAYS: Then = Then::Stays(&[]);
const LOST: Verdict = Unanswered(ConnectionLost, None);
const LOST_AFTER_HEAD: Verdict = Unanswered(ConnectionLost, Some(200));
const GOES_AWAY: Verdict = Unsent(UnsentCause::GoAway);
const REFUSED: Verdict = Unsent(UnsentCause::RefusedStream);
const UNREADABLE: Verdict = Unanswered(Unreadable, None);

/// As many requests as there are verdicts are sent whole. Then the server says all of this, at once or in small pieces.
async fn play(name: &str, says: &[Vec<u8>], then: Then, told: &[Verdict]) {
    play_over(1 << 20, name, says, then, told).await;
    play_over(7, name, says, then, told).await;
}

async fn play_over(holds: usize, name: &str, says: &[Vec<u8>], then: Then, told: &[Verdict]) {
    let mut world = World::new(one_connection(), holds);
    let sent: Vec<_> = told.iter().map(|_| world.send()).collect();
    let mut server = world.begun(&[]).await;
    for number in 0..sent.len() {
        assert_eq!(server.request().await, u32::try_from(2 * number + 1).unwrap());
    }
    server.say(&says.concat()).await;
    let mut stays = None;
    match then {
        Then::Stays(resets) => stays = Some((tokio::spawn(server.stay()), resets)),
        Then::Closes => drop(server),
        Then::Resets => server.reset(),
    }
    for (number, (sent, told)) in sent.into_iter().zip(told).enumerate() {
        assert_eq!(sent.await.unwrap(), *told, "{name}: request {number}, pieces of {holds}");
    }
    world.over().await;
    if let Some((wrote, resets)) = stays {
        let wrote = wrote.await.unwrap();
        assert_eq!(wrote.iter().filter_map(Frame::reset).collect::<Vec<_>>(), resets, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_away() {
    for code in [0, 1, 2, 7, 8, 11, 99] {
        let name = format!("GOAWAY with code {code}");
        play(&name, &[goaway(1, code), ok(1)], STAYS, &[Answered(200), GOES_AWAY]).await;
        play(&name, &[head(3), goaway(1, code), ok(1)], STAYS, &[Answered(200), LOST_AFTER_HEAD]).await;
    }
    let below = [goaway(3, 0)];
    let and = |frames: &[Vec<u8>]| [&below[..], frames].concat();
    for (name, says, then, told) in [
        ("then answered", and(&[ok(1), ok(3)]), STAYS, [Answered(200), Answered(200)]),
        ("then EOF", and(&[]), Then::Closes, [LOST, LOST]),
        ("then a reset of the connection", and(&[]), Then::Resets, [LOST, LOST]),
        ("then one answer and EOF", and(&[ok(3)]), Then::Closes, [LOST, Answered(200)]),
        ("then RST_STREAM", and(&[rst(1, 2), ok(3)]), STAYS, [Unanswered(Reset(2), None), Answered(200)]),
        ("then REFUSED_STREAM", and(&[rst(1, 7), ok(3)]), STAYS, [REFUSED, Answered(200)]),
        ("then a malformed frame", and(&[frame(PING, 0, 0, &[0; 7])]), STAYS, [LOST, LOST]),
        ("then a last id that is raised", and(&[goaway(5, 0)]), STAYS, [LOST, LOST]),
        (
            "and is silent",
            and(&[ok(3)]),
            Then::Stays(&[(1, 8)]),
            [Unanswered(AnswerTimeout, None), Answered(200)],
        ),
        (
            "above one, and is silent",
            vec![goaway(1, 0)],
            Then::Stays(&[(1, 8)]),
            [Unanswered(AnswerTimeout, None), GOES_AWAY],
        ),
        ("above, with a last id that is raised", vec![goaway(1, 0), goaway(3, 0)], STAYS, [LOST, GOES_AWAY]),
        ("above all", vec![goaway(0, 0)], STAYS, [GOES_AWAY, GOES_AWAY]),
        ("above all, and EOF", vec![goaway(0, 0)], Then::Closes, [GOES_AWAY, GOES_AWAY]),
        ("above all, and a reset", vec![goaway(0, 0)], Then::Resets, [GOES_AWAY, GOES_AWAY]),
        (
            "and answers what it did not process",
            vec![goaway(1, 0), ok(3), ok(1)],
            STAYS,
            [Answered(200), GOES_AWAY],
        ),
        (
            "first of all ids",
            vec![goaway(LARGEST, 0), ok(1), goaway(1, 0)],
            STAYS,
            [Answered(200), GOES_AWAY],
        ),
        (
            "of all ids, and answers",
            vec![goaway(LARGEST, 0), ok(1), ok(3)],
            STAYS,
            [Answered(200), Answered(200)],
        ),
        ("of all ids, and EOF", vec![goaway(LARGEST, 0)], Then::Closes, [LOST, LOST]),
    ] {
        play(&format!("GOAWAY {name}"), &says, then, &told).await;
    }
    let lowers = [goaway(3, 0), goaway(1, 2), ok(1)];
    play("GOAWAY that lowers", &lowers, STAYS, &[Answered(200), GOES_AWAY, GOES_AWAY]).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_resets_streams() {
    for code in [0, 1, 2, 3, 5, 8, 11, 13, 99] {
        let told = [Unanswered(Reset(code), None), Answered(200)];
        play(&format!("RST_STREAM {code}"), &[rst(1, code), ok(3)], STAYS, &told).await;
    }
    let half = || [head(1), data(1, false, b"x")].concat();
    for (name, says, told) in [
        ("REFUSED_STREAM", vec![rst(1, 7)], REFUSED),
        ("REFUSED_STREAM after the head", vec![head(1), rst(1, 7)], Unanswered(Reset(7), Some(200))),
        ("CANCEL inside the body", vec![half(), rst(1, 8)], Unanswered(Reset(8), Some(200))),
        ("7, then 5", vec![rst(1, 7), rst(1, 5)], REFUSED),
        ("5, then 7", vec![rst(1, 5), rst(1, 7)], Unanswered(Reset(5), None)),
        ("an answer, then NO_ERROR", vec![half(), data(1, true, b"y"), rst(1, 0)], Answered(200)),
        ("an answer, then REFUSED_STREAM", vec![ok(1), rst(1, 7)], Answered(200)),
        ("REFUSED_STREAM, then an answer", vec![rst(1, 7), ok(1)], REFUSED),
    ] {
        // The connection stays as good as it was.
        play(name, &[says, vec![ok(3)]].concat(), STAYS, &[told, Answered(200)]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_whose_answers_cannot_be_read() {
    let head_of = |length: &str, ends| headers(1, ends, &[(":status", "200"), ("content-length", length)]);
    let seen = Unanswered(Unreadable, Some(200));
    let large = "y".repeat(16_000);
    let many = headers(1, true, &[(":status", "200"), ("x", &large[..8000]), ("z", &large[..8350])]);
    let body = |ends| data(1, ends, b"123");
    for (name, says, resets, told) in [
        ("no :status", vec![headers(1, true, &[("a", "b")])], &[(1, 1)][..], UNREADABLE),
        ("a list over the limit", vec![many], &[(1, 1)], UNREADABLE),
        ("a body that is too short", vec![head_of("4", false), body(true)], &[], seen.clone()),
        ("a body that is too long", vec![head_of("2", false), body(true)], &[], seen.clone()),
        ("no body", vec![head_of("3", true)], &[], seen.clone()),
        ("a body that trailers cut short", vec![head_of("4", false), body(false), ok_trailers()], &[], seen),
        ("a body as it should be", vec![head_of("3", false), body(true)], &[], Answered(200)),
    ] {
        let then = Then::Stays(resets);
        play(name, &[says, vec![ok(3)]].concat(), then, &[told, Answered(200)]).await;
    }
}

fn ok_trailers() -> Vec<u8> {
    headers(1, true, &[("a", "b")])
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends() {
    let half = || [head(1), data(1, false, b"x")].concat();
    let whole = || [half(), data(1, true, b"y")].concat();
    for then in [Then::Closes, Then::Resets] {
        for (name, says, told) in [
            ("before the answer", vec![], LOST),
            ("inside the header of a frame", ok(1)[..5].to_vec(), LOST),
            ("inside HEADERS", ok(1)[..ok(1).len() - 1].to_vec(), LOST),
            ("inside a header block", frame(HEADERS, END_STREAM, 1, &[0x88]), LOST),
            ("after HEADERS", head(1), LOST_AFTER_HEAD),
            ("inside the body", half(), LOST_AFTER_HEAD),
            ("inside DATA", whole()[..whole().len() - 1].to_vec(), LOST_AFTER_HEAD),
            ("after 103", headers(1, false, &[(":status", "103")]), LOST),
            ("after the answer", whole(), Answered(200)),
        ] {
            let name = format!("an end {name}");
            play(&name, &[says], then, &[told, LOST]).await;
        }
    }
    play("HTTP/2 that is broken", &[vec![0xff; 100]], STAYS, &[LOST, LOST]).await;
}
