//! A client that opens no window, so that its answers cannot leave.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::timeout;

use super::Listening;
use crate::harness::SOON;

#[tokio::test]
async fn a_connection_that_takes_no_answers_is_closed_and_one_that_takes_them_goes_on() {
    let listening =
        Listening::http2(|settings| settings.answer_stall_timeout = Duration::from_millis(200)).await;
    let request = || Request::get("http://localhost/").body(()).unwrap();

    let (mut good, connection) = h2::client::handshake(listening.connect().await).await.unwrap();
    let good_ends = tokio::spawn(connection);

    let mut builder = h2::client::Builder::new();
    let (mut stalled, connection) =
        builder.initial_window_size(0).handshake::<_, Bytes>(listening.connect().await).await.unwrap();
    let mut stalled_ends = tokio::spawn(connection);
    let (answer, _) = stalled.send_request(request(), true).unwrap();
    let answer = timeout(SOON, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200, "the head needs no window");

    let takes_answers = async {
        loop {
            let (answer, _) = good.send_request(request(), true).unwrap();
            let mut body = answer.await.unwrap().into_body();
            assert!(body.data().await.unwrap().is_ok());
            if stalled_ends.is_finished() {
                return;
            }
        }
    };
    timeout(SOON, takes_answers).await.expect("the stalled connection is closed");
    let _ = (&mut stalled_ends).await.unwrap();
    let lost = answer.into_body().data().await.unwrap();
    assert!(lost.is_err(), "no byte of the answer was let through: {lost:?}");
    assert!(!good_ends.is_finished());
}
