//! The times and bounds of both senders. They are the same for both, and a tenth of what is common, so that the demo is short.

use std::time::Duration;

/// How long the pushes take to be handed in, however many they are.
pub(super) const HANDING_IN: Duration = Duration::from_secs(4);

/// How many pushes a sender has in flight at most.
pub(super) const IN_FLIGHT: usize = 100;

/// How long the push service takes for an answer.
pub(super) const LATENCY: Duration = Duration::from_millis(10);

/// How long a sender waits for an answer, and for a connection. 10 s are common.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection that owes answers may be silent before it is sent a PING, and how long the answer to that may take: a
/// tenth of the gateway's defaults.
pub(super) const PING_AFTER: Duration = Duration::from_secs(1);
pub(super) const PING_TIMEOUT: Duration = Duration::from_millis(500);

/// How often a push that failed is tried again, after how long the first time. The wait doubles each time; 1 s is common.
pub(super) const RETRIES: u32 = 3;
pub(super) const FIRST_RETRY: Duration = Duration::from_millis(100);

/// How long the gateway's caller waits at most before it sends again what was not sent. Apple asks for 15 minutes after a 503, in
/// "Handling notification responses from APNs"; nobody would wait that long for a demo, and its push service is well long before.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(1);
