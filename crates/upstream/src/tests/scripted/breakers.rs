//! Peers that fail in each way that there is: what is wrong is named soon, then they are left alone, and when they are
//! well again they are sent to.

use tokio::sync::watch;

use super::frames::*;
use super::server::Server;
use super::world::{Verdict, World};
use crate::tests::*;
use Verdict::{Answered, NoStream, Unanswered};

/// What a peer does to each connection.
#[derive(Debug, Clone, Copy)]
enum Ill {
    /// It sends a malformed frame once it has a request.
    BreaksHttp2,
    /// It sends one right behind its SETTINGS.
    BreaksHttp2AtOnce,
    /// It says GOAWAY with this code, and processes nothing.
    GoesAway(u32),
    /// It says GOAWAY with NO_ERROR as soon as it has taken a request, and hangs up in place of an answer.
    TakesAndGoesAway,
    /// It hangs up once it has a request.
    HangsUp,
    /// It resets each request with this code.
    Resets(u32),
    /// It answers each request with a status.
    Answers(&'static str),
    /// It answers PINGs, and no request.
    IsSilent,
}

/// Plays a peer that is as ill as it is said to be when a request comes, and well where nothing is said.
async fn play(mut server: Server, is: watch::Receiver<Option<Ill>>) {
    let ill = || *is.borrow();
    server.begin(&[]).await;
    if let Some(Ill::BreaksHttp2AtOnce) = ill() {
        server.say(&frame(PING, 0, 0, &[0; 7])).await;
    }
    while let Some(came) = server.frame().await {
        if (came.kind, came.flags) == (PING, 0) {
            server.say(&frame(PING, ACK, 0, &came.payload)).await;
        }
        if !came.ends_stream() {
            continue;
        }
        match ill() {
            None => server.say(&ok(came.stream)).await,
            Some(Ill::BreaksHttp2) => server.say(&frame(PING, 0, 0, &[0; 7])).await,
            Some(Ill::GoesAway(code)) => server.say(&goaway(0, code)).await,
            Some(Ill::TakesAndGoesAway) => return server.say(&goaway(came.stream, 0)).await,
            Some(Ill::HangsUp) => return,
            Some(Ill::Resets(code)) => server.say(&rst(came.stream, code)).await,
            Some(Ill::Answers(status)) => {
                server.say(&headers(came.stream, true, &[(":status", status)])).await
            }
            Some(Ill::IsSilent | Ill::BreaksHttp2AtOnce) => {}
        }
    }
}

/// A pool, and its peer: ill as the sender says, or well where it says nothing.
struct Patient {
    sends: watch::Sender<Option<Ill>>,
    world: World,
}

impl Patient {
    fn new(ill: Ill) -> Self {
        let (sends, is) = watch::channel(Some(ill));
        let world = World::serving(UpstreamSettings::default(), move |server| play(server, is.clone()));
        Self { sends, world }
    }

    /// Sends one request after the other until one is held back. Returns what the others were told, and it.
    async fn until_held_back(&self) -> (Vec<Verdict>, String) {
        let mut told = Vec::new();
        loop {
            let verdict = self.world.send().await.unwrap();
            if let NoStream(why) = &verdict
                && why.starts_with("nothing is sent for now")
            {
                return (told, why.clone());
            }
            told.push(verdict);
            assert!(told.len() < 100, "{told:?}");
        }
    }

    /// The peer is well again, and after the longest wait requests are answered.
    async fn heals(self) {
        self.sends.send(None).unwrap();
        tokio::time::sleep(UpstreamSettings::default().breaker.max_wait).await;
        for _ in 0..20 {
            assert_eq!(self.world.send().await.unwrap(), Answered(200));
        }
        drop(self.sends);
        self.world.over().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_peer_is_named_within_a_second_and_it_heals() {
    let lost = Unanswered(NoAnswerCause::ConnectionLost, None);
    for (ill, told, says) in [
        (Ill::BreaksHttp2, Some(lost.clone()), "it breaks HTTP/2 (FRAME_SIZE_ERROR: "),
        (Ill::BreaksHttp2AtOnce, None, "HTTP/2 with peer.test failed: FRAME_SIZE_ERROR"),
        (Ill::GoesAway(0), None, "it says GOAWAY (NO_ERROR) and answers nothing"),
        (Ill::GoesAway(11), None, "it says GOAWAY (ENHANCE_YOUR_CALM) and answers nothing"),
        (Ill::TakesAndGoesAway, Some(lost.clone()), "its connections end before it answers (goaway)"),
        (Ill::HangsUp, Some(lost), "its connections end before it answers (closed)"),
        (
            Ill::Resets(2),
            Some(Unanswered(NoAnswerCause::Reset(2), None)),
            "it resets requests (INTERNAL_ERROR)",
        ),
    ] {
        let patient = Patient::new(ill);
        let began = Instant::now();
        let (before, why) = patient.until_held_back().await;
        assert!(began.elapsed() <= Duration::from_secs(1), "{ill:?}: {:?}", began.elapsed());
        assert!(why.contains("peer.test fails: ") && why.contains(says), "{ill:?}: {why}");
        match told {
            Some(told) => {
                assert!(before.iter().all(|it| *it == told) && before.len() <= 5, "{ill:?}: {before:?}")
            }
            // None of its requests was processed, so all that went before was refused with the same words.
            None => assert!(before.iter().all(|it| matches!(it, NoStream(_))), "{ill:?}: {before:?}"),
        }
        patient.heals().await;
    }
}

/// nginx says GOAWAY with the last request that a connection may have, before it has answered any of them where its own upstream
/// is slow.
#[tokio::test(start_paused = true)]
async fn a_peer_that_says_goaway_before_it_answers_is_well() {
    const KEPT: u32 = 5;
    let world = World::serving(UpstreamSettings::default(), |mut server: Server| async move {
        server.begin(&[(3, KEPT)]).await;
        let mut taken = Vec::new();
        while let Some(came) = server.frame().await {
            if !came.ends_stream() {
                continue;
            }
            taken.push(came.stream);
            if taken.len() == KEPT as usize {
                server.say(&goaway(came.stream, 0)).await;
                tokio::time::sleep(Duration::from_secs(2)).await;
                for stream in taken.drain(..) {
                    server.say(&ok(stream)).await;
                }
            }
        }
    });
    let sent: Vec<_> = (0..40 * KEPT).map(|_| world.send()).collect();
    for sent in sent {
        assert_eq!(sent.await.unwrap(), Answered(200));
    }
    world.over().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_a_peer_is_found_ill_is_told_too() {
    let patient = Patient::new(Ill::GoesAway(0));
    let began = Instant::now();
    let sent: Vec<_> = (0..50).map(|_| patient.world.send()).collect();
    for sent in sent {
        let told = sent.await.unwrap();
        assert!(matches!(&told, NoStream(why) if why.contains("it says GOAWAY")), "{told:?}");
    }
    assert!(began.elapsed() <= Duration::from_secs(1));
    patient.heals().await;
}

/// Before a peer is left alone its name is told to those whose deadline comes.
#[tokio::test(start_paused = true)]
async fn who_has_too_little_time_is_told_what_is_wrong() {
    let patient = Patient::new(Ill::GoesAway(0));
    let told = patient.world.send_body(300, Instant::now() + Duration::from_millis(300)).await.unwrap();
    let says =
        "no connection before the deadline: peer.test fails: it says GOAWAY (NO_ERROR) and answers nothing";
    assert_eq!(told, NoStream(says.to_owned()));
    patient.heals().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_requests_and_answers_none_is_left_alone_when_the_first_are_given_up() {
    let patient = Patient::new(Ill::IsSilent);
    let began = Instant::now();
    let sent: Vec<_> = (0..20).map(|_| patient.world.send()).collect();
    for sent in sent {
        assert_eq!(sent.await.unwrap(), Unanswered(NoAnswerCause::AnswerTimeout, None));
    }
    let (before, why) = patient.until_held_back().await;
    assert_eq!((before, began.elapsed() <= Duration::from_secs(31)), (vec![], true));
    assert!(why.ends_with("peer.test fails: no answers come"), "{why}");
    patient.heals().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_refuses_every_request_is_left_alone() {
    let patient = Patient::new(Ill::Resets(7));
    let (before, why) = patient.until_held_back().await;
    assert_eq!(before, vec![Verdict::Unsent(UnsentCause::RefusedStream); 5]);
    assert!(why.ends_with("peer.test fails: it refuses every request"), "{why}");
    patient.heals().await;
}

/// An answer of the kind 5xx is judged by its caller; until that says that the peer is ill, it is not.
#[tokio::test(start_paused = true)]
async fn answers_count_against_a_peer_only_where_callers_say_so() {
    for status in ["400", "401", "403", "410", "429", "500", "503"] {
        let patient = Patient::new(Ill::Answers(status));
        for _ in 0..50 {
            assert_eq!(patient.world.send().await.unwrap(), Answered(status.parse().unwrap()));
        }
        patient.heals().await;
    }
    let patient = Patient::new(Ill::Answers("503"));
    for _ in 0..5 {
        let answer = patient.world.answer().await.unwrap();
        answer.failed(Some(Duration::from_secs(50)));
    }
    let Err(UpstreamError::Unsent(Unsent::BreakerOpen(told))) = patient.world.answer().await else {
        panic!("it is left alone");
    };
    assert_eq!(told.peer.to_string(), "peer.test fails: it answers 503");
    assert!(told.retry_after > Duration::from_secs(49), "{:?}", told.retry_after);
    patient.heals().await;
}

/// While a peer is left alone, one request at a time probes it, and one that leaves lets the next one probe.
#[tokio::test(start_paused = true)]
async fn one_request_at_a_time_probes_and_one_that_leaves_frees_the_right() {
    let patient = Patient::new(Ill::Resets(2));
    patient.until_held_back().await;
    patient.sends.send(Some(Ill::IsSilent)).unwrap();
    let held_back = |told: &Verdict| matches!(told, NoStream(why) if why.contains("nothing is sent for now"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..3 {
        let probe = patient.world.send_body(300, Instant::now() + Duration::from_secs(1));
        tokio::task::yield_now().await;
        for _ in 0..10 {
            let told = patient.world.send().await.unwrap();
            assert!(held_back(&told), "{told:?}");
        }
        assert_eq!(probe.await.unwrap(), Unanswered(NoAnswerCause::Deadline, None));
        let leaves = patient.world.send();
        tokio::task::yield_now().await;
        assert!(held_back(&patient.world.send().await.unwrap()));
        leaves.abort();
        assert!(leaves.await.unwrap_err().is_cancelled());
    }
    patient.heals().await;
}
