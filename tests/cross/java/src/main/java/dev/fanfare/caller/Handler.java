package dev.fanfare.caller;

import dev.fanfare.push.v1.Delivery;
import dev.fanfare.push.v1.PushResult;
import dev.fanfare.push.v1.Reason;
import dev.fanfare.push.v1.TokenAction;

/** The one handler for the result of every RPC. */
final class Handler {
  private Handler() {}

  /**
   * Says what is to be done about a push, by its result, whichever RPC gave it. It needs no outcome by name: those that
   * a later contract adds come with the same four fields.
   */
  static String handle(PushResult result) {
    if (result.getTokenAction() == TokenAction.TOKEN_ACTION_DELETE) return "delete the token";
    if (result.getTokenAction() == TokenAction.TOKEN_ACTION_QUARANTINE) return "set the token aside";
    if (result.getDelivery() == Delivery.DELIVERY_MAYBE) return "repeat only if a duplicate does no harm";
    if (result.getRetryable()) return "try again later";
    if (!result.getField().isEmpty()) return "mend " + result.getField();
    if (result.getReason() != Reason.REASON_UNSPECIFIED) return "ask an operator";
    return "nothing";
  }
}
