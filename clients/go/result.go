package fanfare

import (
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"fanfare.dev/clients/go/pushv1"
)

// Ended says how a push ended.
type Ended int

const (
	// Answered pushes have a verdict.
	Answered Ended = iota
	// NotRead pushes were never read by a gateway: nothing was sent, and sending them again is safe.
	NotRead
	// Unknown pushes may have been sent, and their verdict was lost. Send one again only if a duplicate does no harm.
	Unknown
)

func (e Ended) String() string { return [...]string{"Answered", "NotRead", "Unknown"}[e] }

// Result is what became of a push.
type Result struct {
	// Push is the one that was handed in. If it had no id, it has one now.
	Push *pushv1.Push
	// Ended says whether there is a verdict.
	Ended Ended
	// Verdict is the gateway's; nil unless Ended is Answered.
	Verdict *pushv1.PushResult
	// Cause is why there is no verdict.
	Cause error
}

// Dead says whether the target is to be deleted, unless it was registered again after Verdict.TokenInvalidSince.
func (r *Result) Dead() bool {
	return r.Verdict.GetTokenAction() == pushv1.TokenAction_TOKEN_ACTION_DELETE
}

// RetryAfter says after which time the push may be sent again, and whether it may: that it may succeed then, and that no
// duplicate can come of it.
func (r *Result) RetryAfter() (time.Duration, bool) {
	if r.Ended == NotRead {
		return 0, true
	}
	again := r.Verdict.GetRetryable() && r.Verdict.GetDelivery() == pushv1.Delivery_DELIVERY_NO
	return r.Verdict.GetRetryAfter().AsDuration(), again
}

// giveID names a push that has no name: results are known by it, and whoever sends a push again repeats its id.
func giveID(push *pushv1.Push) {
	if push.GetId() == "" && push != nil {
		// A UUID (RFC 9562, 5.4), which APNs gets as it is.
		var id [16]byte
		_, _ = rand.Read(id[:]) // It never fails. Source: the documentation of crypto/rand.
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		push.Id = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	}
}

// encodable says how large a push is on the wire, or why it has no encoding, such as text that is not UTF-8. gRPC would end the
// stream of all other pushes for it, and leave them in doubt.
func encodable(push *pushv1.Push) (int, error) {
	bytes, err := proto.Marshal(push)
	if err != nil {
		return 0, fmt.Errorf("push %q: %w", push.GetId(), err)
	}
	return len(bytes), nil
}
