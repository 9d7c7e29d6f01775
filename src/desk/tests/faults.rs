//! Of several faults the first in the desk's order is reported, however the draft comes.

use super::*;
use crate::desk::multicast::MAX_ADDRESSEES;
use crate::push::{Outcome, Reason, TokenAction};

/// A fault of a draft: what is wrong, in which field it is reported, and why.
type Fault = (fn(&mut Draft), &'static str, Reason);

fn own(draft: &mut Draft) -> &mut BodyDraft {
    match &mut draft.body {
        DraftBody::Own(body) => body,
        DraftBody::Shared(_) | DraftBody::Unreadable(_) => panic!("the draft has no body of its own"),
    }
}

/// The faults of a push in the order in which they are reported. Each of them hides those that follow.
const FAULTS: [Fault; 8] = [
    (|draft| draft.id = "with space".into(), "id", Reason::FieldInvalid),
    (|draft| drop(own(draft).labels.insert(String::new(), String::new())), "labels", Reason::FieldRequired),
    (|draft| own(draft).app.push(' '), "app", Reason::FieldInvalid),
    (|draft| own(draft).app.push_str("-nobody"), "app", Reason::AppUnknown),
    (|draft| draft.target = Err(refusal("target", Reason::FieldsConflict)), "target", Reason::FieldsConflict),
    (
        |draft| draft.target = Ok(TargetDraft::Fcm(Err(refusal("target.fcm", Reason::FieldInvalid)))),
        "target",
        Reason::ProviderNotConfigured,
    ),
    (
        |draft| {
            let malformed =
                Refusal { outcome: Outcome::InvalidToken, ..refusal("target.device", Reason::FieldInvalid) };
            draft.target = Ok(TargetDraft::Mattermost(Err(malformed)));
        },
        "target.device",
        Reason::FieldInvalid,
    ),
    (
        |draft| own(draft).content = Err(refusal("content", Reason::FieldRequired)),
        "content",
        Reason::FieldRequired,
    ),
];

fn refusal(field: &'static str, reason: Reason) -> Refusal {
    Refusal::field(field, reason, "expected something else")
}

fn with_bad_options(draft: &mut Draft) {
    own(draft).options = Err(refusal("options.ttl", Reason::FieldInvalid));
}

async fn settled(front: &Front, draft: Draft) -> Settled {
    front.desk.submit(&Caller::anyone(), draft, arrival()).await.unwrap()
}

#[tokio::test]
async fn the_first_fault_of_a_push_is_reported() {
    let front = Front::new(10, BatchSettings::default());
    for first in 0..FAULTS.len() {
        let mut draft = dry_run(1);
        with_bad_options(&mut draft);
        // They are made in the reverse order, so that none is undone by one that comes after it.
        for (make, _, _) in FAULTS[first..].iter().rev() {
            make(&mut draft);
        }
        let (_, field, reason) = FAULTS[first];
        let settled = settled(&front, draft).await;
        assert_eq!((&*settled.result.field, settled.result.reason), (field, Some(reason)));
        let provider = settled.result.provider;
        assert_eq!(provider.is_some(), first >= 6, "{field}: the route is known for what follows it");
        assert_eq!(settled.labels.into_labels().is_empty(), first < 2, "{field}");
    }
    let mut draft = dry_run(1);
    with_bad_options(&mut draft);
    let settled = settled(&front, draft).await;
    assert_eq!(&*settled.result.field, "options.ttl");
    assert_eq!(front.admission.in_flight(), 0);
}

#[tokio::test]
async fn the_first_fault_of_a_multicast_is_that_of_each_addressee() {
    let front = Front::new(10, BatchSettings::default());
    let first_fault = |change: fn(&mut BodyDraft), addressees: usize| {
        let mut body = body(true);
        change(&mut body);
        let bad = Addressee { id: "with space".into(), target: device(1), parent: Span::none() };
        let mut multicast =
            front.desk.multicast(&Caller::anyone(), Ok(body), Ok(None), vec![bad; addressees].into_iter());
        assert_eq!(multicast.len(), addressees);
        multicast.next().unwrap()
    };
    let too_many = MAX_ADDRESSEES + 1;
    for (draft, field) in [
        (first_fault(|body| drop(body.labels.insert(String::new(), String::new())), too_many), "labels"),
        (first_fault(|body| body.app.push_str("-nobody"), too_many), "addressees"),
        (
            first_fault(
                |body| {
                    body.app.push_str("-nobody");
                    body.content = Err(refusal("content", Reason::FieldRequired));
                },
                2,
            ),
            "app",
        ),
        (first_fault(|body| body.content = Err(refusal("content", Reason::FieldRequired)), 2), "content"),
        (first_fault(|_| {}, 2), "id"),
    ] {
        let settled = settled(&front, draft).await;
        assert_eq!((&*settled.result.field, settled.id.as_str()), (field, "with space"));
        assert_eq!(settled.labels.into_labels().is_empty(), field == "labels");
    }
}

#[tokio::test]
async fn so_many_malformed_targets_are_set_aside_and_none_is_judged_without_its_route() {
    let front = Front::new(10, BatchSettings::default());
    let mut actions = Vec::new();
    for _ in 0..10 {
        let mut draft = Draft { body: DraftBody::Own(body(false)), ..dry_run(1) };
        FAULTS[6].0(&mut draft);
        actions.push(settled(&front, draft).await.result.token_action);
    }
    // What a dry run is refused says nothing of the targets of others.
    let mut draft = dry_run(1);
    FAULTS[6].0(&mut draft);
    assert_eq!(settled(&front, draft).await.result.token_action, TokenAction::Quarantine);
    assert_eq!(actions[0], TokenAction::Delete);
    assert_eq!(actions[9], TokenAction::Quarantine);
    let mut draft = dry_run(1);
    FAULTS[6].0(&mut draft);
    FAULTS[5].0(&mut draft);
    assert_eq!(settled(&front, draft).await.result.token_action, TokenAction::Keep);
}
