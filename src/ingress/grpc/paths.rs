//! The paths of the RPCs that are told apart before their messages are read.

/// The paths of the contract's RPCs begin so.
pub(super) const PUSH_SERVICE: &str = "/fanfare.push.v1.PushService/";

/// The paths of the two unary RPCs of the contract.
pub(super) const SEND_PUSH: &str = "/fanfare.push.v1.PushService/SendPush";
pub(super) const SEND_PUSHES: &str = "/fanfare.push.v1.PushService/SendPushes";

/// The paths of health checks begin so.
pub(super) const HEALTH: &str = "/grpc.health.v1.Health/";
