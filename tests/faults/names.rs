//! Names that change or fail.

use fanfare_simulator::{AfterGoAway, Fault, GoAway, LastId};

use crate::network::{Names, Place};
use crate::script::{Blow, Step};
use crate::traffic::Traffic;
use crate::worlds::{Shape, World};

/// Ends every connection without a loss, so that new ones have to open.
fn reopen(arrived: u64) -> Step {
    let goaway = GoAway { last: LastId::Highest, code: 0, reason: None, then: AfterGoAway::Drain };
    Step::at(arrived, Blow::StrikeAll(Fault::GoAway(goaway)))
}

#[tokio::test]
async fn names_that_change_are_followed_by_the_next_connect() {
    let mut world = World::start(Shape::default(), |_| {}).await;
    let steps = vec![
        Step::at(100, Blow::Say(Names::Lead(vec![Place::Second]))),
        reopen(100),
        Step::at(300, Blow::Say(Names::Lead(vec![Place::First]))),
        reopen(300),
    ];
    let totals = world.run(Traffic::of(500), steps).await.unwrap();
    assert_eq!(totals.accepted, 500, "{totals:?}");
    assert_eq!(world.opened(), 3);
    world.end().await;
}

#[tokio::test]
async fn names_that_fail_cost_nothing_while_a_connection_is_open() {
    let mut world = World::start(Shape::default(), |_| {}).await;
    world.warm_up().await;
    let totals = world.run(Traffic::of(500), vec![Step::at(0, Blow::Say(Names::Fail))]).await.unwrap();
    assert_eq!(totals.accepted, 500, "{totals:?}");
    world.end().await;
}

#[tokio::test]
async fn names_that_fail_for_good_are_told_as_unsent() {
    for names in [Names::Fail, Names::Lead(Vec::new())] {
        let mut world = World::start(Shape { names, ..Shape::default() }, |_| {}).await;
        let totals = world.run(Traffic::of(300), Vec::new()).await.unwrap();
        assert_eq!((totals.unsent, totals.requests), (300, 0), "{totals:?}");
        world.end().await;
    }
}
