"""The one handler for the result of every RPC."""

from fanfare.push.v1 import push_pb2 as pb


def handle(result: pb.PushResult) -> str:
    """Says what is to be done about a push, by its result, whichever RPC gave it.

    It needs no outcome by name: those that a later contract adds come with the same four fields.
    """
    if result.token_action == pb.TOKEN_ACTION_DELETE:
        return "delete the token"
    if result.token_action == pb.TOKEN_ACTION_QUARANTINE:
        return "set the token aside"
    if result.delivery == pb.DELIVERY_MAYBE:
        return "repeat only if a duplicate does no harm"
    if result.retryable:
        return "try again later"
    if result.field:
        return f"mend {result.field}"
    if result.reason != pb.REASON_UNSPECIFIED:
        return "ask an operator"
    return "nothing"
