package fanfare

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errorDomain is that of the statuses which a gateway itself decided on. Every other one may come from a library or a
// proxy, also when it is only the answer that was lost.
const errorDomain = "push.fanfare.dev"

// isGateways says whether the gateway itself decided on the status of an error.
func isGateways(err error) bool {
	for _, detail := range status.Convert(err).Details() {
		if info, is := detail.(*errdetails.ErrorInfo); is && info.GetDomain() == errorDomain {
			return true
		}
	}
	return false
}

// nothingSent says whether a call that failed has surely sent nothing; of a stream, nothing that its last progress does not count
// as read. Of its own statuses the gateway says so of each but INTERNAL.
func nothingSent(err error) bool {
	return isGateways(err) && status.Code(err) != codes.Internal
}

// advisedWait is how long the gateway asks to wait. Zero: there is no advice.
func advisedWait(err error) time.Duration {
	for _, detail := range status.Convert(err).Details() {
		if info, is := detail.(*errdetails.RetryInfo); is {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}
