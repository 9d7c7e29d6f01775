package dev.fanfare.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;

/** A status, and what the gateway says beside it. */
record GatewayStatus(Status status, Metadata trailers, boolean isGateways, Duration advisedWait) {
  /**
   * The domain of statuses which a gateway itself decided on. Every other one may come from a library or a proxy, also when it is
   * only the answer that was lost.
   */
  private static final String ERROR_DOMAIN = "push.fanfare.dev";

  static GatewayStatus of(Status status, Metadata trailers) {
    boolean isGateways = false;
    Duration advisedWait = Duration.ZERO;
    Metadata known = trailers == null ? new Metadata() : trailers;
    try {
      for (var detail : StatusProto.fromStatusAndTrailers(status, known).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          isGateways |= detail.unpack(ErrorInfo.class).getDomain().equals(ERROR_DOMAIN);
        } else if (detail.is(RetryInfo.class)) {
          var wait = detail.unpack(RetryInfo.class).getRetryDelay();
          advisedWait = Duration.ofSeconds(wait.getSeconds(), wait.getNanos());
        }
      }
    } catch (InvalidProtocolBufferException | IllegalArgumentException unreadable) {
      isGateways = false; // No gateway writes details that cannot be read.
    }
    return new GatewayStatus(status, known, isGateways, advisedWait);
  }

  StatusRuntimeException exception() {
    return status.asRuntimeException(trailers);
  }

  /**
   * Whether a call that failed has surely sent nothing; of a stream, nothing that its last progress does not count as read. Of its own
   * statuses the gateway says so of each but INTERNAL.
   */
  boolean nothingSent() {
    return isGateways && status.getCode() != Status.Code.INTERNAL;
  }

  /** Whether another stream may fare better than one that ended so. */
  boolean goesOn(boolean begun) {
    return switch (status.getCode()) {
      case OK, ABORTED -> true;
      // What was shown has expired since. The file may hold another by now.
      case UNAUTHENTICATED -> begun;
      case UNAVAILABLE, CANCELLED, UNKNOWN, INTERNAL -> !isGateways;
      default -> false;
    };
  }
}
