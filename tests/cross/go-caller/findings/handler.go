// Package findings is a caller in Go: one handler for the result of every RPC.
package findings

import "fanfare.dev/clients/go/pushv1"

// Handle says what is to be done about a push, by its result, whichever RPC gave it. It needs no outcome by name: those
// that a later contract adds come with the same four fields.
func Handle(result *pushv1.PushResult) string {
	switch {
	case result.TokenAction == pushv1.TokenAction_TOKEN_ACTION_DELETE:
		return "delete the token"
	case result.TokenAction == pushv1.TokenAction_TOKEN_ACTION_QUARANTINE:
		return "set the token aside"
	case result.Delivery == pushv1.Delivery_DELIVERY_MAYBE:
		return "repeat only if a duplicate does no harm"
	case result.Retryable:
		return "try again later"
	case result.Field != "":
		return "mend " + result.Field
	case result.Reason != pushv1.Reason_REASON_UNSPECIFIED:
		return "ask an operator"
	default:
		return "nothing"
	}
}
